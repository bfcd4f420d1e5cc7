"""A station file is changed value by value, and what its author wrote around them stays."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.settings import CONFIGS
from edge.station_file.text import changed_table, edited, value_at, written

STATIONS = sorted((CONFIGS / "stations").glob("*.toml"))
SMALL = """# first
[a] # of a
x = 1 # of x
list = [ # of list
  "one", # it's [one
  "two # no comment",
]

[a.b]
"quoted key" = '''
x = 2
'''

[[rows]]
name = "r0"
[rows.options]
url = "u"
[[rows]]
name = "r1" # of r1
in = { p = 1, q = "}" }
dot.ted = true
"""


@pytest.mark.parametrize(
    ("keys", "value", "kept_lines"),
    [
        (("a", "x"), 7, 20),
        (("a", "new"), "v", 21),
        (("a", "b", "quoted key"), "s", 17),
        (("rows", 0, "options", "url"), 'a"\\é', 20),
        (("rows", 0, "role"), "copy", 21),
        (("rows", 1, "options", "url"), "w", 21),
        (("rows", 1, "in", "q"), 2.5, 20),
        (("rows", 1, "dot", "other"), False, 21),
        (("rows", 2, "name"), "r2", 21),
        (("other", "deep", "key"), [1, 2], 21),
        (("root",), 1, 21),
    ],
    ids=lambda one: ".".join(map(str, one)) if isinstance(one, tuple) else "",
)
def test_one_value_changes_and_every_other_line_stays_as_it_was(keys, value, kept_lines):
    """Comments, order, blank lines and spelling of the rest are the author's."""
    after = edited(SMALL, {keys: value})

    assert after.comments_kept
    assert value_at(tomllib.loads(after.text), keys) == value
    before_lines, after_lines = SMALL.splitlines(), after.text.splitlines()
    assert sum(line in after_lines for line in before_lines) >= min(kept_lines, len(before_lines))


def test_a_comment_beside_a_changed_value_stays_beside_it():
    """Why a value is what it is was written there by somebody."""
    assert "x = 7 # of x" in edited(SMALL, {("a", "x"): 7}).text


def test_a_key_that_is_taken_out_takes_its_line_and_no_other():
    """As delivered means: it does not stand there."""
    after = edited(SMALL, {("a", "list"): None, ("rows", 1, "in", "p"): None})

    assert after.comments_kept
    assert tomllib.loads(after.text)["a"] == {"x": 1, "b": {"quoted key": "x = 2\n"}}
    assert tomllib.loads(after.text)["rows"][1]["in"] == {"q": "}"}


def test_one_of_a_list_of_tables_is_taken_out_with_what_belongs_to_it():
    """The next one moves up; its own comment goes along."""
    after = edited(SMALL, {("rows", 0): None})

    assert after.comments_kept
    assert [row["name"] for row in tomllib.loads(after.text)["rows"]] == ["r1"]
    assert '"r1" # of r1' in after.text


def test_a_file_written_in_a_way_that_is_not_followed_is_written_anew_and_it_is_said():
    """A right file without comments is better than a wrong one with them."""
    # A table opened by a dotted key cannot take a header of its own.
    after = edited("# said\nrows = [ { a.b = 1 } ]\nx.y.z = 1\n", {("x", "w"): 2})

    assert not after.comments_kept
    assert tomllib.loads(after.text) == {"rows": [{"a": {"b": 1}}], "x": {"y": {"z": 1}, "w": 2}}


@pytest.mark.parametrize("path", STATIONS, ids=lambda path: path.stem)
def test_every_station_file_can_be_changed_at_each_of_its_values_and_loses_no_comment(path):
    """What we ship is written as this module follows it."""
    text = path.read_text(encoding="utf-8")
    table = tomllib.loads(text)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    for keys in leaves(table):
        after = edited(text, {keys: "changed"})
        assert after.comments_kept, keys
        assert value_at(tomllib.loads(after.text), keys) == "changed"
        assert [line for line in after.text.splitlines() if line.startswith("#")] == comments
        gone = edited(text, {keys: None})
        assert gone.comments_kept, keys
        assert tomllib.loads(gone.text) == changed_table(table, {keys: None})


def leaves(table, way=()):
    """Where every value of a table stands."""
    for key, value in table.items() if isinstance(table, dict) else enumerate(table):
        nested = isinstance(value, dict) or (
            isinstance(value, list) and value and isinstance(value[0], dict)
        )
        if nested:
            yield from leaves(value, (*way, key))
        else:
            yield (*way, key)


names = st.text("ab-_é .\"'#=[]", min_size=1, max_size=4)
scalars = st.one_of(
    st.booleans(), st.integers(-9, 9), st.floats(-9, 9),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=6),
)  # fmt: skip
values = st.one_of(scalars, st.lists(scalars, max_size=3))
tables = st.dictionaries(
    names,
    st.one_of(
        values,
        st.dictionaries(names, st.one_of(values, st.dictionaries(names, values, max_size=2))),
        st.lists(st.dictionaries(names, values, min_size=1, max_size=2), min_size=1, max_size=3),
    ),
    max_size=4,
)


@given(tables)
def test_a_table_written_anew_reads_as_it_was(table):
    """Whatever keys and texts hold, TOML gives them back."""
    assert tomllib.loads(written(table)) == table


@given(tables, st.data())
def test_after_any_change_the_file_says_what_was_wanted(table, data):
    """Kept or written anew: the values are right."""
    text = written(table)
    places = list(leaves(table)) or [("k",)]
    at = data.draw(st.sampled_from(places))
    keys = data.draw(st.sampled_from([at, (*at[:-1], "new"), ("t", "u", "v")]))
    if any(isinstance(one, int) for one in keys[-1:]):
        return
    value = data.draw(st.one_of(st.none(), values))
    try:
        wanted = changed_table(table, {keys: value})
    except (TypeError, AttributeError):
        return  # leads through a value that is no table

    assert tomllib.loads(edited(text, {keys: value}).text) == wanted

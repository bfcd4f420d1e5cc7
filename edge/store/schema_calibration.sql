-- The one calibration that is under way, kept after each step. Step 5 of the journal.

create table calibration_session(
    one integer primary key check(one = 1),
    body text not null                      -- JSON: kind, staff ids, what was filled in; no figures
);

create table calibration_step(
    n integer primary key,                  -- the step's place in the session
    step text not null unique,
    body text not null                      -- JSON: results, curves, pictures of targets, never of persons
);

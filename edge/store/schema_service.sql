-- Calls for staff, and how people were served. Step 4 of the journal.

create table ticket(
    id text primary key,                    -- random: it does not tell which call came before
    kind text not null check(kind in ('help', 'device', 'number', 'rating', 'rest')),
    sitting_id text,                        -- null: nobody is in a sitting; never with a rating
    why text not null,                      -- a code
    raised_at_ms integer not null,          -- of a rating the beginning of its day, in UTC
    last_at_ms integer not null,            -- when it was raised the last time
    times integer not null default 1,       -- how often it was raised
    answered_at_ms integer,
    answered_by text,                       -- id of the staff
    wait_ms integer,                        -- from raised to answered, by the clock that never jumps
    resolved_at_ms integer,
    resolved_by text                        -- null: the person needed nobody any more
) without rowid;

create index ticket_open on ticket(kind) where resolved_at_ms is null;
create index ticket_age on ticket(raised_at_ms);

-- Counts of a day, not single answers: no order among them could tell who gave which.
create table rating(
    day text not null,                      -- in UTC, as 2026-11-22
    score text not null check(score in ('good', 'fair', 'poor')),
    reason text not null,                   -- a code, empty without one
    count integer not null,
    primary key(day, score, reason)
) without rowid;

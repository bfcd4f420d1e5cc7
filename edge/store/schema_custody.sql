-- Events, throttles, signed lists and counters; urgent packages and leases. Step 3 of the journal.

alter table package add column urgent integer not null default 0;   -- the green channel goes first
alter table package add column leases integer not null default 0;   -- how often a client has leased it

create table event(
    id integer primary key autoincrement,   -- never used twice, also after old ones were forgotten
    at_ms integer not null,
    type text not null,
    subject text,                           -- id of a sitting, package or device
    body text not null                      -- JSON: ids, codes, counts; never anything personal
);

create index event_age on event(at_ms);

-- How long the next try of a PIN must wait; by two clocks, the later of which counts.
create table throttle(
    account text primary key,
    failures integer not null,
    boot_id text not null,
    until_boot_ms integer not null,         -- of CLOCK_BOOTTIME, in that boot
    until_wall_ms integer not null
) without rowid;

-- The newest accepted list of each kind, as its exact signed token; seq never goes down.
create table signed_list(
    kind text primary key check(kind in ('root', 'keys', 'policies')), -- root: the pinned public key
    seq integer not null,
    token text not null,
    kept_at_ms integer not null
) without rowid;

create table counter(
    name text primary key,                  -- such as persons, or sittings/2026-11/accepted
    value integer not null
) without rowid;

-- Events, throttles, signed lists and counters; urgent packages and leases. Step 3 of the journal.

alter table package add column urgent integer not null default 0;   -- the green channel goes first
alter table package add column leases integer not null default 0;   -- how often a client has leased it

-- 1: bytes of a part cannot be read; its parts are then never touched again.
alter table package add column damaged integer not null default 0;

-- As before, but a package counts as closed by its number: one of a sitting that was lost has none.
drop view shown_order;
create view shown_order as
select o.id, o.sitting_id, o.state, o.version, o.photo, o.photo_reason, o.ordered_at_ms,
    o.expires_at_ms, o.ended_at_ms, o.result, o.missing,
    (select p.package_id from package p where p.sitting_id = o.sitting_id
        and p.sequence is not null order by p.id desc limit 1) as package_id
from sitting_order o;

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

-- What a collecting client still may have, page by page, whatever lies here of other states.
create index package_collect on package(state, sequence);
create index package_urgent on package(id) where state = 'ready' and urgent;
create index package_leased_often on package(id) where state = 'ready' and leases >= 5;

-- Every closed package is a person whose face is or was here.
insert into counter(name, value) select 'persons', sequence from chain;

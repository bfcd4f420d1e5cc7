-- Orders, and the answers that were given to requests that made one. Step 2 of the journal.

create table sitting_order(
    id integer primary key,             -- keyset cursor, in order of arrival
    sitting_id text not null unique,
    state text not null check(state in ('waiting', 'running', 'ended')),
    version integer not null default 1, -- grows with every change that a client can see
    photo text not null check(photo in ('none', 'needed', 'used', 'declined', 'unfit')),
    photo_reason text,
    ordered_at_ms integer not null,
    not_before_ms integer not null,
    expires_at_ms integer not null,
    ended_at_ms integer,
    result text,
    missing text,                       -- JSON: what the package lacks and why
    wanted text                         -- JSON, personal; erased when the order ends
);

create index sitting_order_open on sitting_order(state, expires_at_ms) where state <> 'ended';

create index package_sitting on package(sitting_id);

-- What a client is shown; nothing personal. The package that was closed is looked up, never copied.
create view shown_order as
select o.id, o.sitting_id, o.state, o.version, o.photo, o.photo_reason, o.ordered_at_ms,
    o.expires_at_ms, o.ended_at_ms, o.result, o.missing,
    (select p.package_id from package p where p.sitting_id = o.sitting_id and p.state <> 'open'
        order by p.id desc limit 1) as package_id
from sitting_order o;

create table idempotency(
    client text not null,
    key text not null,
    request_sha256 blob not null,       -- of method, path and body
    answer text not null,               -- JSON: status, headers, body; nothing personal
    kept_at_ms integer not null,
    primary key(client, key)
) without rowid;

create index idempotency_age on idempotency(kept_at_ms);

-- The journal, step 1. Parts are sealed before they come here; what is in clear (inside the encrypted
-- file) is what resuming, closing and delivering need.

create table package(
    id integer primary key,             -- keyset cursor, in order of opening
    package_id text not null unique,
    sitting_id text not null,
    station_id text not null,
    kid text not null,                  -- of the sealing key, the same for every part
    state text not null check(state in ('open', 'ready', 'receipted', 'quarantined')),
    opened_at_ms integer not null,
    sitting text,                       -- JSON, not biometric; erased when the package closes
    sequence integer unique,            -- gap-free; null while open
    sealed_at_ms integer,
    size integer,
    digest text,                        -- of the whole file, RFC 9530
    statement text                      -- the signed seal statement
);

create table part(
    id integer primary key,
    package integer not null references package(id) on delete cascade,
    n integer not null,
    name text,                          -- null: the manifest
    media_type text,
    size integer,
    sha256 text,
    record_sha256 text,
    facts text,                         -- JSON; erased when the package closes
    record blob not null,
    unique(package, n),
    unique(package, name)
);

create table delivery(
    package integer not null references package(id),
    sink text not null,
    custody integer not null,           -- 1: its receipt allows deletion
    state text not null check(state in ('waiting', 'sending', 'delivered', 'quarantined')),
    attempts integer not null default 0,
    last_code text,
    last_try_at_ms integer,
    receipt text,                       -- the centre's signed receipt, kept after the parts
    primary key(package, sink)
) without rowid;

create index delivery_waiting on delivery(sink, package) where state in ('waiting', 'sending');

-- One row: the next package's predecessor, even after package rows were removed.
create table chain(
    one integer primary key check(one = 1),
    sequence integer not null,
    digest text
);
insert into chain values(1, 0, null);

create table audit(
    n integer primary key,
    hash blob not null,
    entry blob not null
);

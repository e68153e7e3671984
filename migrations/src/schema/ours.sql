-- What a stock database lacks. Every table of ours is named toji_…, so that nothing stock is touched.

-- What must leave the process once its transaction is committed. A row is deleted when it has been sent.
create table toji_outbox (
    id bigserial primary key,
    created timestamptz not null default now(),
    topic text not null,
    host text,
    payload jsonb not null
);

-- The worker process that serves a host, as it last reported itself.
create table toji_workers (
    host_id integer not null primary key references host (id) on delete cascade,
    instance text not null,
    version text,
    started timestamptz,
    last_seen timestamptz not null,
    data jsonb
);

-- Who may do what only one process does at a time, and until when.
create table toji_leader (
    name text not null primary key,
    holder text not null,
    until timestamptz not null
);

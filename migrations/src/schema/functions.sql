-- PostgreSQL only; made first, because columns default to get_event().

-- Opens an event and answers its id.
create function get_event() returns integer language plpgsql as $$
declare
    opened integer;
begin
    insert into events default values returning id into opened;
    return opened;
end
$$;

-- When an event was opened; null for an unknown one.
create function get_event_time(integer) returns timestamptz language plpgsql stable as $$
begin
    return (select time from events where id = $1);
end
$$;

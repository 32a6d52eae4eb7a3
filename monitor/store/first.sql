-- The schema of version 1.0, the first step: never changed, like every step that has been released.

create table feeds (
    id integer primary key,
    url text not null unique,
    title text not null default '',
    language text not null default '',
    tags text not null default '[]',
    interval_seconds real,
    weight real not null default 1.0,
    family text not null default '',
    enabled integer not null default 1,
    private_host text not null default '',
    added_at text not null,
    removed_at text
) strict;

create table feed_states (
    feed_id integer primary key references feeds(id) on delete cascade,
    title text not null,
    location text not null,
    moving_to text not null,
    moving_seen integer not null,
    etag text not null,
    last_modified text not null,
    validators_url text not null,
    body_hash text not null,
    next_poll_at text,
    last_poll_at text,
    last_success_at text,
    last_status integer,
    last_error text not null,
    consecutive_failures integer not null,
    gone integer not null,
    first_success_at text,
    newest_entry_at text,
    rhythm_seconds real,
    polls integer not null,
    gaps integer not null,
    last_gap_at text,
    asked_period_seconds real,
    skip_hours text not null,
    skip_days text not null
) strict;

create table polls (
    id integer primary key,
    started_at text not null,
    finished_at text not null,
    feeds integer not null,
    ok integer not null,
    failed integer not null,
    not_modified integer not null,
    new integer not null,
    changed integer not null,
    outage integer not null
) strict;
create index polls_finished_at on polls(finished_at);

create table feed_polls (
    id integer primary key,
    feed_id integer not null references feeds(id) on delete cascade,
    at text not null,
    status integer,
    error text not null,
    new integer not null,
    changed integer not null,
    gap integer not null
) strict;
create index feed_polls_at on feed_polls(at);
create index feed_polls_feed on feed_polls(feed_id, at);

create table stories (
    id integer primary key autoincrement,
    title text not null,
    summary text not null,
    lead_id integer,
    beats text not null,
    themes text not null,
    first_seen text not null,
    last_seen text not null,
    sources integer not null,
    names text not null
) strict;
create index stories_last_seen on stories(last_seen);

create table entries (
    id integer primary key autoincrement,
    feed_id integer not null references feeds(id),
    guid text not null,
    url text not null,
    title text not null,
    summary text not null,
    content text not null,
    author text not null,
    language text not null,
    outlet text not null,
    published text not null,
    dated text not null,
    updated text,
    first_seen text not null,
    changed_at text,
    news_at text not null,
    backlog integer not null,
    fingerprint text not null,
    relevant integer not null,
    score real not null,
    near text not null,
    corrected integer not null,
    story_id integer references stories(id),
    told_in text,
    text_removed_at text,
    unique (feed_id, guid)
) strict;
create index entries_first_seen on entries(first_seen);
create index entries_relevant on entries(first_seen) where relevant = 1;
create index entries_feed on entries(feed_id, first_seen);
create index entries_url on entries(url);
create index entries_story on entries(story_id) where story_id is not null;
create index entries_loose on entries(first_seen) where relevant = 1 and story_id is null;
create index entries_untold on entries(news_at) where relevant = 1 and backlog = 0;

create table entry_beats (
    entry_id integer not null references entries(id) on delete cascade,
    beat text not null,
    primary key (entry_id, beat)
) strict;
create index entry_beats_beat on entry_beats(beat);

create table entry_themes (
    entry_id integer not null references entries(id) on delete cascade,
    theme text not null,
    primary key (entry_id, theme)
) strict;
create index entry_themes_theme on entry_themes(theme);

create table evidence (
    id integer primary key,
    entry_id integer not null references entries(id) on delete cascade,
    target text not null,
    term text not null,
    rule text not null,
    field text not null,
    weight real not null
) strict;
create index evidence_entry on evidence(entry_id);

create table marks (
    entry_id integer primary key references entries(id) on delete cascade,
    relevant integer not null,
    beats text not null,
    themes text,
    made_at text not null
) strict;

create table search (
    entry_id integer primary key references entries(id) on delete cascade,
    words text not null
) strict;

create table joins (
    entry_id integer primary key references entries(id) on delete cascade,
    similarity real not null,
    reason text not null,
    runner_up integer,
    runner_up_similarity real not null,
    pinned integer not null
) strict;

create table related_stories (
    story_id integer not null references stories(id) on delete cascade,
    related_id integer not null references stories(id) on delete cascade,
    primary key (story_id, related_id),
    check (story_id < related_id)
) strict;
create index related_stories_related on related_stories(related_id);

create table story_aliases (
    old_id integer primary key,
    story_id integer not null references stories(id) on delete cascade
) strict;
create index story_aliases_story on story_aliases(story_id);

create table story_corrections (
    entry_id integer not null references entries(id) on delete cascade,
    other_id integer not null references entries(id) on delete cascade,
    together integer not null,
    made_at text not null,
    primary key (entry_id, other_id),
    check (entry_id < other_id)
) strict;
create index story_corrections_other on story_corrections(other_id);

create table term_counts (
    term text primary key,
    entries integer not null
) strict;

create table vectors (
    entry_id integer not null references entries(id) on delete cascade,
    model text not null,
    vector blob not null,
    primary key (entry_id, model)
) strict;

create table digests (
    date text primary key,
    window_start text not null,
    window_end text not null,
    made_at text not null,
    counts text not null,
    body text not null
) strict;
create index digests_window_end on digests(window_end);

create table deliveries (
    id integer primary key,
    edition text not null,
    channel text not null,
    recipient text not null,
    payload blob not null,
    message_id text not null,
    state text not null check (state in ('pending', 'sending', 'sent', 'failed', 'superseded')),
    attempts integer not null,
    next_attempt_at text,
    last_error text not null,
    created_at text not null,
    sent_at text,
    changed_at text not null,
    unique (edition, channel, recipient)
) strict;
create index deliveries_state on deliveries(state, changed_at);

create table attempts (
    id integer primary key,
    delivery_id integer not null references deliveries(id) on delete cascade,
    started_at text not null,
    finished_at text,
    outcome text not null default ''
) strict;
create index attempts_delivery on attempts(delivery_id);

create table alerts (
    story_id integer primary key,
    made_at text not null
) strict;

create table meta (
    key text primary key,
    value text not null
) strict;

create view relevant_entries as
select e.id, e.title, e.url, coalesce(nullif(f.title, ''), f.url) as feed, e.outlet, e.language, e.published,
    e.first_seen, e.score,
    (select group_concat(beat, ', ') from (
        select beat from entry_beats where entry_id = e.id order by rowid
    )) as beats,
    (select group_concat(theme, ', ') from (
        select theme from entry_themes where entry_id = e.id order by rowid
    )) as themes,
    e.story_id, e.told_in, e.summary
from entries e join feeds f on f.id = e.feed_id
where e.relevant = 1
order by e.first_seen desc, e.id desc;

create view story_entries as
select s.id as story_id, s.title as story, e.id as entry_id, e.title as entry, e.url,
    coalesce(nullif(f.title, ''), f.url) as feed, e.outlet, e.language, e.published, e.first_seen, e.told_in,
    j.similarity, j.reason, j.pinned
from stories s
join entries e on e.story_id = s.id
join feeds f on f.id = e.feed_id
left join joins j on j.entry_id = e.id
order by s.last_seen desc, s.id, e.first_seen, e.id;

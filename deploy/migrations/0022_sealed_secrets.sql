-- Secrets at rest: what is compared is a hash (sha256), what must be shown or used again is sealed
-- with a key that is not in the database (or as it was, where no key is set).

alter table watchers add column digest bytea;
update watchers set digest = sha256(convert_to(token, 'UTF8'));
alter table watchers alter column digest set not null;
alter table watchers drop constraint watchers_token_key;
create unique index watchers_digest on watchers (digest);

-- A bookmark names the link, not its token.
alter table watcher_bookmarks add column watcher_id uuid references watchers on delete cascade;
update watcher_bookmarks set watcher_id = watchers.id
from watchers where watchers.token = watcher_bookmarks.token;
delete from watcher_bookmarks where watcher_id is null;
alter table watcher_bookmarks drop column token;
alter table watcher_bookmarks add primary key (user_uid, watcher_id);
create index watcher_bookmarks_watcher on watcher_bookmarks (watcher_id);

alter table telegram_invites add column digest bytea;
update telegram_invites set digest = sha256(convert_to(code, 'UTF8'));
alter table telegram_invites drop constraint telegram_invites_pkey;
alter table telegram_invites add primary key (digest);

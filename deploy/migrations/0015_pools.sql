-- A pool is known by its domain, in any case of letters; without one by its title.

alter table pools drop constraint pools_domain_key;
create unique index pools_domain on pools (lower(domain));

-- The pool whose shares come in: unknown accounts become its miners, whatever it is called by now.
alter table pools add column takes_unknown_accounts boolean not null default false;
create unique index pools_taking on pools (takes_unknown_accounts) where takes_unknown_accounts;
update pools set takes_unknown_accounts = true where id = (select min(id) from pools);

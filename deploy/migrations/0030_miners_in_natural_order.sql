-- Lists of miners sort as lists of workers do: farm4, farm39, farm46.
alter table miners add column account_name_key text collate "C" not null
    generated always as (hashgauge_natural_key(account_name)) stored;

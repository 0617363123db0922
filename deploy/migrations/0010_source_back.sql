-- When a stratum server came back last: workers that it took along and did not bring back have their
-- own limit from there, also under a new leader. Null: it never was silent.
alter table source_figures add column back_at timestamptz;

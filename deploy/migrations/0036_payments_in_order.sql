-- payments.number is the cursor of those who read on. Numbers are given when rows are written, and seen
-- when they are committed: of two writers the later number could be seen first, and a reader that had
-- it never came upon the other one. So who books waits until the one before has ended; transfers too,
-- before they lock balances, so that two writers never wait for each other in a circle.

create function hashgauge_book_in_turn() returns trigger
language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtext('hashgauge:booking'));
    return null;
end
$$;
create trigger payments_in_turn before insert on payments
for each statement execute function hashgauge_book_in_turn();
create trigger ledger_transfers_in_turn before insert on ledger_transfers
for each statement execute function hashgauge_book_in_turn();

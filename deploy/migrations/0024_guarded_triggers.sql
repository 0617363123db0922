-- What keeps the books runs with the rights of their owner: processes whose role may book a
-- transfer, or make a miner, need no right to change a balance, an account or a fee themselves.

do $$
declare
    name text;
begin
    foreach name in array array[
        'hashgauge_book', 'hashgauge_open_accounts', 'hashgauge_first_fees',
        'hashgauge_first_operator_fee', 'hashgauge_note_operator_move'
    ] loop
        execute format(
            'alter function %I() security definer set search_path = %I, pg_temp',
            name, current_schema()
        );
    end loop;
end
$$;

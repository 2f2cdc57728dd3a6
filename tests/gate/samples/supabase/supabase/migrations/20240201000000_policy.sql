alter table orders enable row level security;
create policy readers on orders for select using (true);

-- What is asked of a producer names its partition too, and goes by the primary key. This index (of
-- 0004, under the comment of another one) only had to be written at every flush.
drop index producer_sequences_producer;

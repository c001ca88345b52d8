"""Rules: expressions over a record's fields and its score, checked by a schema and compiled."""

"""PostgreSQL servers of the native stack and of the tests; schemas belong to the programs that use them."""

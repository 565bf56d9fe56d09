"""What the tests stand on: a database server, the choice of a database, the sum of several runs."""

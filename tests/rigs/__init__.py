"""What tests run on: databases, servers, clients, and the sums of several runs."""

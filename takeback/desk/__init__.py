"""Back-office pages for agents: queue, cases, orders, sign-in."""

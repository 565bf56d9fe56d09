"""Lines and orders of which something new is told, without telling the order again."""

"""The tables of the sandbox's own SQLite file."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (
  name TEXT PRIMARY KEY, secret TEXT NOT NULL UNIQUE, webhook_secret TEXT NOT NULL,
  webhook_url TEXT NOT NULL, is_test INTEGER NOT NULL, behavior TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS payment (
  id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES account, provider_order TEXT,
  currency TEXT NOT NULL, authorized INTEGER NOT NULL, captured_at REAL,
  is_voided INTEGER NOT NULL DEFAULT 0, has_dispute INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS capture (
  id INTEGER PRIMARY KEY, payment TEXT NOT NULL REFERENCES payment, amount INTEGER NOT NULL,
  at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refund (
  id TEXT PRIMARY KEY, payment TEXT NOT NULL REFERENCES payment, amount INTEGER NOT NULL,
  currency TEXT NOT NULL, reference TEXT, status TEXT NOT NULL, failure_code TEXT,
  created_at REAL NOT NULL, visible_at REAL NOT NULL, settles_at REAL, settles_as TEXT);
CREATE INDEX IF NOT EXISTS refunds_of_a_payment ON refund (payment);
CREATE INDEX IF NOT EXISTS refunds_to_settle ON refund (settles_at) WHERE settles_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS charge_back (
  id INTEGER PRIMARY KEY, payment TEXT NOT NULL REFERENCES payment, amount INTEGER NOT NULL,
  at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS idempotency_key (
  account TEXT NOT NULL, key TEXT NOT NULL, body_hash TEXT NOT NULL, status INTEGER NOT NULL,
  reply TEXT NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS request (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, account TEXT NOT NULL, target TEXT NOT NULL,
  payment TEXT NOT NULL, key TEXT, body_hash TEXT, failure TEXT, status INTEGER,
  moved_refund TEXT);
CREATE INDEX IF NOT EXISTS requests_of_a_payment ON request (payment, target);
CREATE TABLE IF NOT EXISTS event (
  id INTEGER PRIMARY KEY, event_id TEXT NOT NULL, account TEXT NOT NULL, body TEXT NOT NULL,
  signing TEXT NOT NULL DEFAULT '', due REAL, after_event INTEGER, tries INTEGER NOT NULL DEFAULT 0,
  delivered_at REAL);
CREATE TABLE IF NOT EXISTS script (
  id INTEGER PRIMARY KEY, failure TEXT NOT NULL, target TEXT NOT NULL, payment TEXT,
  skip INTEGER NOT NULL, count INTEGER NOT NULL, options TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seed (
  id INTEGER PRIMARY KEY CHECK (id = 1), seed TEXT NOT NULL, percent INTEGER NOT NULL,
  failures TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (
  id INTEGER PRIMARY KEY CHECK (id = 1), offset REAL NOT NULL, skipped REAL NOT NULL);
INSERT OR IGNORE INTO clock VALUES (1, 0, 0);
"""
"""Amounts are minor units of the sandbox; `visible_at`, `settles_at` and `due` are times of the
clock that never goes back, all others of the clock that jumps."""

TABLES = (
    *("event", "script", "seed", "request", "idempotency_key", "charge_back", "refund", "capture"),
    *("payment", "account"),
)
"""All tables with data, in an order in which they can be emptied."""

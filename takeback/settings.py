"""Settings: values come from the environment; each has a default and a sentence for the docs."""

import secrets
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from takeback.core import data_folder, logging, setting_kinds
from takeback.core.db.postgresql.options import connection_options
from takeback.core.env import (
    env_amounts,
    env_bool,
    env_database,
    env_dict,
    env_int,
    env_list,
    env_mail_server,
    env_str,
    require_valid,
)
from takeback.core.setting_kinds import BYTES, DAYS, ID, MINUTES

# Installation
DATA_DIR = Path(env_str("DATA_DIR", "var", "Folder for all files that Takeback writes.")).resolve()
DEBUG = env_bool(
    "DEBUG", False, "Shows error details in the browser; never enable it in production."
)
SITE_URL = env_str(
    "SITE_URL",
    "http://127.0.0.1:8000",
    "Public URL of this service; links in mails start with it.",
    setting_kinds.WEB_URL,
).rstrip("/")
ALLOWED_HOSTS = env_list(
    "ALLOWED_HOSTS",
    ["localhost", "127.0.0.1", "[::1]"],
    "Host names that requests may use.",
    setting_kinds.HOSTS,
)
TLS = env_bool(
    "TLS",
    SITE_URL.startswith("https://"),
    "Takeback is served over TLS: enables secure cookies and HSTS.",
)
TRUSTED_PROXIES = env_int(
    "TRUSTED_PROXIES", 0, "Reverse proxies whose X-Forwarded-For is trusted.", maximum=10
)
STOREFRONT_SERVERS = env_list(
    "STOREFRONT_SERVERS",
    [],
    "Networks of storefront servers, which send the requests of all their shoppers: no "
    "per-address limits.",
    setting_kinds.NETWORKS,
)

# Secrets
SECRET_KEY = env_str(
    "SECRET_KEY",
    "",
    "Signs sessions and links; if empty, a key is generated in the data folder.",
    setting_kinds.secret(),
)
DATA_KEYS = env_dict(
    "DATA_KEYS",
    {},
    "Keys that encrypt bank accounts and secrets, newest first: 2=<base64 of 32 "
    "bytes>,1=<...>; if empty, a key is generated in the data folder.",
    setting_kinds.DATA_KEYS,
)

# Database
_DATABASE: dict[str, Any] = env_database(
    "DATABASE_URL",
    f"sqlite:///{quote(str(DATA_DIR / 'takeback.sqlite3'))}",
    "postgres://user:password@host:5432/name?sslmode=verify-full; by default SQLite in the data "
    "folder.",
)
DATABASE_PREPARED = env_bool(
    "DATABASE_PREPARED", True, "Prepared statements on PostgreSQL; off behind PgBouncer < 1.21."
)
DATABASE_STATEMENT_SECONDS = env_int(
    "DATABASE_STATEMENT_SECONDS",
    7,
    "Seconds that a statement of a request or of the worker may take on PostgreSQL, 30 for other "
    "commands; one second later Takeback gives up a database that does not respond.",
    minimum=1,
    maximum=600,
)
if "sqlite" in str(_DATABASE["ENGINE"]):
    _DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            "PRAGMA mmap_size=134217728; PRAGMA cache_size=-20000;"
        ),
    }
    # pytest-xdist and threads need a file: ':memory:' is a separate database per connection.
    _DATABASE["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    _DATABASE["ENGINE"] = "takeback.core.db.postgresql"
    _DATABASE["OPTIONS"] = connection_options(
        _DATABASE.get("OPTIONS", {}),
        statement_seconds=DATABASE_STATEMENT_SECONDS,
        is_prepared=DATABASE_PREPARED,
    )
    _DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = not DATABASE_PREPARED
_DATABASE["CONN_MAX_AGE"] = None
_DATABASE["CONN_HEALTH_CHECKS"] = "sqlite" not in str(_DATABASE["ENGINE"])
DATABASES = {"default": _DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Storefront and items
STOREFRONT_CHANNEL = env_int(
    "STOREFRONT_CHANNEL",
    1,
    "Id of the channel that the storefront API serves, unless STOREFRONT_HOSTS names another.",
    minimum=1,
    maximum=ID,
)
STOREFRONT_HOSTS = env_dict(
    "STOREFRONT_HOSTS",
    {},
    "Channel ids by host name, for several shops: shop.example=1,other.example=2.",
    setting_kinds.CHANNELS_BY_HOST,
)
STOREFRONT_DIALECT = env_str(
    "STOREFRONT_DIALECT",
    "classic",
    "Wire format of requests that do not state one.",
    setting_kinds.one_of("classic", "v3"),
)
ORDER_ITEM_QUANTITY_KEY = env_str(
    "ORDER_ITEM_QUANTITY_KEY",
    "quantity",
    "Item attribute that holds the quantity of a merged item.",
)

# Policy of the shop: `takeback.accounts.policy` reads it
CANCEL_TIME_LIMIT_MINUTES = env_int(
    "CANCEL_TIME_LIMIT_MINUTES",
    0,
    "Minutes in which an order can be cancelled; 0: no limit. An order keeps the limit of its"
    " arrival; a longer one of today also counts.",
    maximum=MINUTES,
)
CANCEL_BLOCKED_BY_INVOICE = env_bool(
    "CANCEL_BLOCKED_BY_INVOICE", True, "An invoiced item cannot be cancelled, only returned."
)
REFUND_DAY_LIMIT = env_int(
    "REFUND_DAY_LIMIT",
    14,
    "Days after delivery in which items can be returned; 0: no limit. An order keeps the limit of"
    " its arrival; a longer one of today also counts.",
    maximum=DAYS,
)
STRICT_REASON_TYPE = env_bool(
    "STRICT_REASON_TYPE",
    False,
    "Refuses a reason of the other request type; some storefronts send one reason for everything.",
)
BANK_ACCOUNT_REQUIRED = env_bool(
    "BANK_ACCOUNT_REQUIRED",
    True,
    "Requires a bank account for orders paid in cash or by bank transfer.",
)
BANK_ACCOUNT_RETENTION_DAYS = env_int(
    "BANK_ACCOUNT_RETENTION_DAYS",
    90,
    "Days after the end of a request and its refunds, after which its bank account is deleted; 0:"
    " never.",
    maximum=DAYS,
)
SECOND_PERSON_ABOVE = env_amounts(
    "SECOND_PERSON_ABOVE",
    {},
    "Amounts in minor units by currency, above which a second person must approve the refunds of a "
    "plan; 0, or a currency that is missing: no second person.",
)
SECOND_PERSON_FOR = env_list(
    "SECOND_PERSON_FOR",
    ["forced", "bank_account"],
    "What else a second person must approve: a forced amount above the calculated one (forced), a "
    "changed or unconfirmed bank account (bank_account), a refund that an agent marks as paid "
    "(mark_as_paid).",
    setting_kinds.list_of(setting_kinds.one_of("forced", "bank_account", "mark_as_paid")),
)
LOYALTY_MONEY_ENABLED = env_bool("LOYALTY_MONEY_ENABLED", True, "Allows refunds to loyalty points.")
LOYALTY_FOR_GUESTS = env_bool(
    "LOYALTY_FOR_GUESTS",
    True,
    "Allows refunds to loyalty points for guests, who can use them after they register.",
)
RETURN_CARRIER = env_int(
    "RETURN_CARRIER", 0, "Id of the carrier of returns that choose none; 0: no carrier.", maximum=ID
)
CANCEL_AUTO_CONFIRM = env_bool(
    "CANCEL_AUTO_CONFIRM", False, "Confirms every allowed cancellation automatically."
)
CANCELLATION_STRATEGY = env_str(
    "CANCELLATION_STRATEGY",
    "takeback.cancellations.strategy.StrategyOne",
    "Class that decides which parts of the paid money go back, such as shipping costs.",
    setting_kinds.DOTTED_PATH,
)
CANCEL_AUTO_APPROVE = env_bool(
    "CANCEL_AUTO_APPROVE",
    False,
    "Approves cancellations that are confirmed automatically, so that they are refunded at once.",
)
TRADE_IN_KEY = env_str(
    "TRADE_IN_KEY",
    "tradein_inquiry",
    "Item attribute that holds a trade-in offer: an object with at least an amount.",
)
TRADE_IN_LINK_DAYS = env_int(
    "TRADE_IN_LINK_DAYS",
    14,
    "Days for which the links of a trade-in offer are valid.",
    minimum=1,
    maximum=DAYS,
)
REQUESTS_PER_HOUR = env_int(
    "REQUESTS_PER_HOUR",
    120,
    "Cancellation and return requests per hour, for each customer or guest order; clients "
    "repeat a refused request three times.",
    minimum=1,
)
SHOP_TIME_ZONE = env_str(
    "SHOP_TIME_ZONE",
    "UTC",
    "Time zone in which days are counted.",
    setting_kinds.TIME_ZONE,
)
ADDRESS_PHONE_MIN_LENGTH = env_int(
    "ADDRESS_PHONE_MIN_LENGTH",
    11,
    "Minimum length of a phone number in the address book.",
    maximum=32,
)
ADDRESS_DISTRICT_REQUIRED = env_bool(
    "ADDRESS_DISTRICT_REQUIRED", False, "Requires a district in addresses."
)

# Refunds
REFUND_SENDERS = env_int(
    "REFUND_SENDERS",
    12,
    "Refunds that a worker sends at the same time for each payment account; on PostgreSQL each one"
    " needs a connection.",
    minimum=1,
    maximum=32,
)

# Rate limits and size limits
LOOKUP_PER_MINUTE = env_int(
    "LOOKUP_PER_MINUTE", 10, "Failed guest look-ups per minute and client address.", minimum=1
)
LOOKUP_PER_HOUR = env_int(
    "LOOKUP_PER_HOUR",
    40,
    "Failed guest look-ups per hour and client address; also requests for mailed codes.",
    minimum=1,
)
LOOKUP_FAILURES_PER_NUMBER = env_int(
    "LOOKUP_FAILURES_PER_NUMBER", 5, "Failed look-ups per order number in 15 minutes.", minimum=1
)
LOOKUP_FAILURES_PER_EMAIL = env_int(
    "LOOKUP_FAILURES_PER_EMAIL", 10, "Failed look-ups per e-mail address in an hour.", minimum=1
)
LOOKUP_FAILURES_PER_SHOP = env_int(
    "LOOKUP_FAILURES_PER_SHOP", 2000, "Failed look-ups per shop in an hour.", minimum=1
)
LOGIN_FAILURES_PER_EMAIL = env_int(
    "LOGIN_FAILURES_PER_EMAIL",
    10,
    "Failed logins per e-mail address or user name in 15 minutes.",
    minimum=1,
)
REGISTRATIONS_PER_ADDRESS = env_int(
    "REGISTRATIONS_PER_ADDRESS", 20, "Registrations per hour and client address."
)
REGISTRATIONS_PER_SHOP = env_int("REGISTRATIONS_PER_SHOP", 1000, "Registrations per hour and shop.")
ACCOUNT_MAILS_PER_EMAIL = env_int(
    "ACCOUNT_MAILS_PER_EMAIL",
    3,
    "Mails of one kind about an account (confirmation, code) per hour and e-mail address.",
)
KEY_REQUESTS_PER_MINUTE = env_int(
    "KEY_REQUESTS_PER_MINUTE", 3000, "Requests per minute and API key.", minimum=1
)
BATCH_COMMIT_MINUTES = env_int(
    "BATCH_COMMIT_MINUTES",
    60,
    "Minutes after which an idle batch in commit makes way for another batch.",
    minimum=1,
    maximum=MINUTES,
)
LIMITS_ENABLED = env_bool(
    "LIMITS_ENABLED", True, "Enables rate limits; turn it off only for performance measurements."
)
MAX_BODY_BYTES = env_int(
    "MAX_BODY_BYTES",
    65_536,
    "Maximum body size of an ordinary request.",
    minimum=1_024,
    maximum=BYTES,
)
MAX_ORDER_BODY_BYTES = env_int(
    "MAX_ORDER_BODY_BYTES",
    4_194_304,
    "Maximum body size of an order or a batch.",
    minimum=1_024,
    maximum=BYTES,
)
CANCELLATION_REQUEST_MAX_IMAGE_COUNT_PER_ORDER_ITEM = env_int(
    "CANCELLATION_REQUEST_MAX_IMAGE_COUNT_PER_ORDER_ITEM",
    5,
    "Maximum number of images per item.",
    maximum=50,
)
MAX_PICTURE_BYTES = env_int(
    "MAX_PICTURE_BYTES", 8_388_608, "Maximum size of an image.", minimum=1_024, maximum=BYTES
)
MAX_PICTURE_BODY_BYTES = env_int(
    "MAX_PICTURE_BODY_BYTES",
    28_311_552,
    "Maximum body size of a request with images, which base64 makes a third larger.",
    minimum=1_024,
    maximum=BYTES,
)
MAX_PICTURES_BYTES_PER_REQUEST = env_int(
    "MAX_PICTURES_BYTES_PER_REQUEST",
    20_971_520,
    "Maximum total size of the images of a request.",
    minimum=1_024,
    maximum=BYTES,
)
MEDIA_ROOT = DATA_DIR / "media"
DATA_UPLOAD_MAX_NUMBER_FIELDS = 100

# Sessions and guest access
SESSION_COOKIE_NAME = env_str(
    "SESSION_COOKIE_NAME", "osessionid", "Name of the session cookie.", setting_kinds.COOKIE_NAME
)
SESSION_COOKIE_AGE = 60 * 60 * 24 * 14
SESSION_ENGINE = "takeback.accounts.sessions"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = env_list(
    "CSRF_TRUSTED_ORIGINS",
    [],
    "Additional origins (scheme and host) that may send requests with a session.",
    setting_kinds.ORIGINS,
)
GUEST_PROOF_IDLE_MINUTES = env_int(
    "GUEST_PROOF_IDLE_MINUTES",
    30,
    "Minutes of inactivity that end a guest's access.",
    minimum=1,
    maximum=MINUTES,
)
GUEST_PROOF_MAX_MINUTES = env_int(
    "GUEST_PROOF_MAX_MINUTES",
    120,
    "Minutes that end a guest's access in any case.",
    minimum=1,
    maximum=MINUTES,
)
DESK_IDLE_MINUTES = env_int(
    "DESK_IDLE_MINUTES",
    30,
    "Minutes of inactivity that end a desk session.",
    minimum=1,
    maximum=MINUTES,
)

# Mails
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mails"
EMAIL_TIMEOUT = 10
vars().update(
    env_mail_server(
        "MAIL_URL",
        "",
        "Mail server: smtps://user:password@host:port, smtp+tls:// (STARTTLS) or smtp://, with "
        "special characters percent-encoded; if empty, mails are written to the data folder.",
    )
)
DEFAULT_FROM_EMAIL = env_str(
    "MAIL_FROM",
    "returns@localhost",
    "Sender of mails, such as Shop <returns@shop.example>.",
    setting_kinds.SENDER,
)
BANK_ACCOUNT_LINK_DAYS = env_int(
    "BANK_ACCOUNT_LINK_DAYS",
    14,
    "Days for which a mailed link confirms a guest's bank account.",
    minimum=1,
    maximum=DAYS,
)

# Metrics and logs
METRICS_TOKEN = env_str(
    "METRICS_TOKEN",
    "",
    "Bearer token of /metrics; if empty, only this machine has access.",
    setting_kinds.secret(),
)
LOG_FORMAT = env_str(
    "LOG_FORMAT", "json", "Format of the log.", setting_kinds.one_of("json", "console")
)
LOG_LEVEL = env_str(
    "LOG_LEVEL",
    "INFO",
    "Minimum level of log events.",
    setting_kinds.one_of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
)

# Languages and time
LANGUAGE_CODE = env_str(
    "LANGUAGE_CODE",
    "en",
    "Language of clients that accept none of the supported languages.",
    setting_kinds.one_of("tr", "en", "de", "ar"),
)
LANGUAGES = [("tr", "Türkçe"), ("en", "English"), ("de", "Deutsch"), ("ar", "العربية")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = "takeback.ui.formats"
USE_TZ = True
TIME_ZONE = "UTC"

# All settings are read: report every wrong one, then make what is missing in the data folder.
require_valid()
data_folder.prepare(DATA_DIR)
SECRET_KEY = SECRET_KEY or data_folder.stored_secret(
    DATA_DIR, "secret_key", lambda: secrets.token_urlsafe(50)
)
if not DATA_KEYS and (
    _data_key := data_folder.stored_secret(
        DATA_DIR, "data_key", lambda: b64encode(secrets.token_bytes(32)).decode()
    )
):
    DATA_KEYS = {"1": _data_key}

# Django
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "takeback.core",
    "takeback.ui",
    "takeback.limits",
    "takeback.outbox",
    "takeback.idempotency",
    "takeback.accounts",
    "takeback.addresses",
    "takeback.orders",
    "takeback.archive",
    "takeback.channel_sync",
    "takeback.logistics",
    "takeback.refunds",
    "takeback.loyalty",
    "takeback.cancellations",
    "takeback.trade_in",
    "takeback.notifications",
    "takeback.storefront",
    "takeback.home",
    "takeback.desk",
    "django_htmx",
    "takeback.demo",
]
MIDDLEWARE = [
    "takeback.operations.metrics.count_requests",
    "takeback.core.middleware.request_id",
    "takeback.core.middleware.compress",
    "takeback.core.middleware.safe_headers",
    "django.middleware.security.SecurityMiddleware",
    "takeback.core.middleware.ContentPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "takeback.core.middleware.language",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "takeback.urls"
APPEND_SLASH = False
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "takeback.accounts.hashers.ImportedPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "takeback.accounts.passwords.LengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PAGE_CONTEXT = ["django.template.context_processors.request", "takeback.storefront.brand.brand"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": PAGE_CONTEXT},
    }
]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ALLOW_ALL_ORIGINS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# Security headers
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "no-referrer"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {"default-src": ["'none'"], "frame-ancestors": ["'none'"]},
}

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["takeback.api.renderer.Renderer"],
    "DEFAULT_PARSER_CLASSES": ["takeback.api.json_parser.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "takeback.api.renderer.JSONNegotiation",
    "EXCEPTION_HANDLER": "takeback.api.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "takeback.api.openapi.Schema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Takeback",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "LICENSE": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    "SERVE_INCLUDE_SCHEMA": False,
    # Hundreds of schemas stay closed: opened, they slow the page down.
    # Closed groups: with all operations open, Swagger shows only those near the window.
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "defaultModelsExpandDepth": 0,
        "docExpansion": "none",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": ["takeback.api.openapi.add_documents"],
}


LOGGING = logging.configure(LOG_FORMAT, LOG_LEVEL)

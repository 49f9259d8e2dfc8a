"""Every setting of LeadScore, read from the environment.

The defaults serve a first look on one machine; `docs/reference/settings.md` names each variable.
Production settings are in force unless a variable says otherwise, and `DEBUG` is never on.
"""

from pathlib import Path
from urllib.parse import quote, urlsplit

import django_stubs_ext

from leadscore.environment import Environment
from leadscore.home import SecretKeyFile, redis_socket
from leadscore.logging import configuration

django_stubs_ext.monkeypatch()  # lets `ModelAdmin[Lead]` and the like be written, which type checking needs

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

# --- Where things live ---------------------------------------------------------------------------------------------
LEADSCORE_HOME = Path(env.str("LEADSCORE_HOME", default=str(BASE_DIR / "var"))).absolute()
PORT = env.whole_number("PORT", default=8000, least=1, most=65535)
PUBLIC_URL = env.address("PUBLIC_URL", default=f"http://127.0.0.1:{PORT}")

# --- Logs ----------------------------------------------------------------------------------------------------------
LOG_FORMAT = env.one_of("LOG_FORMAT", "console", "json")
LOGGING = configuration(LOG_FORMAT)

# --- Security ------------------------------------------------------------------------------------------------------
DEBUG = False
SECRET_KEY = env.str("SECRET_KEY", default="") or SecretKeyFile(LEADSCORE_HOME).read_or_create()
# By its public name, by others that are named, and always by its local ones: probes on the machine itself ask so.
ALLOWED_HOSTS = [
    *filter(None, [urlsplit(PUBLIC_URL).hostname]),
    *env.list("ALLOWED_HOSTS", default=[]),
    *("127.0.0.1", "localhost", "[::1]"),
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL, *env.list("CSRF_TRUSTED_ORIGINS", default=[])]
HTTPS = PUBLIC_URL.startswith("https://")
SECURE_SSL_REDIRECT = False  # never on an ingest route: the proxy in front redirects people, not events
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
# Who guesses passwords is counted by address: the proxy's own would lock everybody out for one guesser.
RATELIMIT_IP_META_KEY = "leadscore.proxy.client_address" if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
# Django's advice about https, which follows here from PUBLIC_URL; leadscore.checks says what to do in our words.
# W005, W021: whether other names of the domain speak https only is not ours to promise to browsers.
SILENCED_SYSTEM_CHECKS = [
    *("security.W004", "security.W008", "security.W012", "security.W016"),
    *("security.W005", "security.W021"),
]

# --- Composition ---------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "ingest",
    "scoring",
    "automation",
    "leadscore",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "leadscore.api.cors.CrossOriginIngestMiddleware",
    "leadscore.csp.ContentSecurityPolicy",
    "leadscore.caching.KeptByNobody",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "leadscore.urls"
WSGI_APPLICATION = "leadscore.wsgi.application"
APPEND_SLASH = False  # a redirect on an ingest route is a lost event; every route is declared with both slash forms
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database ------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL", default=LEADSCORE_HOME / "leadscore.sqlite3")}
DATABASES["default"]["CONN_MAX_AGE"] = None
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction takes the write lock at its start, so two writers queue up instead of failing half-way.
    # synchronous=NORMAL: what is committed survives the end of any process, kill -9 included, and a commit costs
    # microseconds. FULL waits for the disk each time (here 7 ms) and so survives a power cut as well.
    SQLITE_SYNCHRONOUS = env.one_of("SQLITE_SYNCHRONOUS", "NORMAL", "FULL")
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={SQLITE_SYNCHRONOUS}; "
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-65536;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {"connect_timeout": 5}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis and Celery ----------------------------------------------------------------------------------------------
EMBEDDED_REDIS_SOCKET = None if env.redis_url() else redis_socket(LEADSCORE_HOME)
REDIS_URL = f"unix://{quote(str(EMBEDDED_REDIS_SOCKET))}" if EMBEDDED_REDIS_SOCKET else env.redis_url()
BROKER_URL = env.str("BROKER_URL", default="") or REDIS_URL
REDIS_TIMEOUT = 1.0  # seconds a request waits for Redis at most; after that it goes on without
CELERY_BROKER_URL = BROKER_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    "socket_connect_timeout": 1.0,
    "socket_timeout": 30.0,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "system"
CELERY_TASK_SERIALIZER = "json"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 10_000  # without it Celery closes the database connection around every task
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "scoring.tasks.sweep", "schedule": 5.0, "options": {"queue": "system", "expires": 10}},
    "wake-fading": {
        "task": "scoring.tasks.wake_fading",
        "schedule": 5.0,
        "options": {"queue": "system", "expires": 10},
    },
    "go-on-ruling": {
        "task": "ingest.tasks.go_on_ruling",
        "schedule": 15.0,
        "options": {"queue": "system", "expires": 15},
    },
    "go-on-with-imports": {
        "task": "ingest.tasks.go_on_with_imports",
        "schedule": 15.0,
        "options": {"queue": "imports", "expires": 15},
    },
    "forget-webhooks": {"task": "ingest.tasks.forget_receipts", "schedule": 3600.0, "options": {"queue": "system"}},
    "erase-idle-people": {
        "task": "ingest.tasks.erase_idle_people",
        "schedule": 3600.0,
        "options": {"queue": "system", "expires": 3600},
    },
    "heartbeat": {"task": "leadscore.heartbeat", "schedule": 15.0, "options": {"queue": "system", "expires": 15}},
    "deliver-due": {
        "task": "automation.tasks.deliver_due",
        "schedule": 5.0,
        "options": {"queue": "deliveries", "expires": 10},
    },
}
LEAD_QUEUES = env.whole_number(
    "LEAD_QUEUES", default=8, least=1, most=256
)  # lead queues `leads.0` …; each has exactly one consumer
WORKERS = env.whole_number("WORKERS", default=1, least=1, most=LEAD_QUEUES)  # lead workers that `up` starts
WEB_WORKERS = env.whole_number("WEB_WORKERS", default=1, least=1, most=64)

# --- People --------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "ingest.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# --- Static files --------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # served from where they lie: nothing to collect before a start

# --- API -----------------------------------------------------------------------------------------------------------
BAD_KEYS_PER_MINUTE = env.whole_number("BAD_KEYS_PER_MINUTE", default=60, least=0, most=1_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # the largest batch of events
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["leadscore.api.negotiation.OrjsonRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "leadscore.api.negotiation.JsonOnly",
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_AUTHENTICATION_CLASSES": ["ingest.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["ingest.api.authentication.HoldsSecretKey"],
    "EXCEPTION_HANDLER": "leadscore.api.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "LeadScore",
    "DESCRIPTION": "Events in; scores, stages and their reasons out.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "LevelEnum": ["high", "medium", "low"],  # of velocity as of risk
        "ImportKindEnum": ["leads", "events"],
        "ImportStatusEnum": ["uploaded", "running", "done", "cancelled", "failed"],
        "RecordedStatusEnum": ["queued", "duplicate"],
        "WebhookStatusEnum": ["queued", "duplicate", "ignored"],
    },
    "PREPROCESSING_HOOKS": ["leadscore.api.schema.without_trailing_slash"],
}

# --- Imports -------------------------------------------------------------------------------------------------------
IMPORT_DIRECTORY = LEADSCORE_HOME / "imports"
IMPORT_MAX_MEGABYTES = env.whole_number("IMPORT_MAX_MEGABYTES", default=1024, least=1, most=1_000_000)
IMPORT_KEEP_DAYS = env.whole_number("IMPORT_KEEP_DAYS", default=7, least=0, most=3650)
FILE_UPLOAD_HANDLERS = [
    "leadscore.uploads.Limit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- Incoming webhooks ---------------------------------------------------------------------------------------------
WEBHOOK_DAYS = env.whole_number("WEBHOOK_DAYS", default=14, least=1, most=365)

# --- Outgoing ------------------------------------------------------------------------------------------------------
EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="leadscore@localhost")
WEBHOOK_ALLOW = env.list("WEBHOOK_ALLOW", default=[])

"""Runs the steps of an Alembic project for migproof: one process for a whole run, one JSON line per request and answer.

Started with the numbers of two file descriptors, requests from the first, answers to the second. What the project
itself prints goes to stdout and stderr, which migproof keeps apart. The first request opens the project; the others name
a place (a database, and a question whose answer proves that a connection is to that database) and what to do there.
"""

import argparse
import json
import os
import re
import socket
import sys
import traceback

requests = os.fdopen(int(sys.argv[1]), "r", encoding="utf-8")
answers = os.fdopen(int(sys.argv[2]), "w", encoding="utf-8")
sys.path.pop(0)  # the directory of this program
sys.argv = ["alembic"]
began_in = os.getcwd()


def answer(value):
    answers.write(json.dumps(value, ensure_ascii=True, default=str) + "\n")
    answers.flush()


try:
    import alembic
    import sqlalchemy
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext, MigrationStep
    from alembic.script import ScriptDirectory
    from sqlalchemy import event
    from sqlalchemy.engine import CursorResult, Engine
    from sqlalchemy.pool import Pool
except ImportError as missing:
    answer({"missing": getattr(missing, "name", None) or str(missing), "why": str(missing)})
    sys.exit(0)

PLAIN_SEARCH_PATH = '"$user", public'


class WrongPlace(BaseException):
    """A connection to something else than the database that was asked for; no `except Exception` may swallow it."""


class Recorder:
    """What a step sends, from the moment that its function is called until it returns."""

    def __init__(self, files, leave_out):
        self.files = files  # the revision's file first
        self.leave_out = leave_out
        self.active = False
        self.sent = []
        self.fetched = False  # the step read something from the database
        self.raw = False  # the step used the driver behind SQLAlchemy's back
        self.exact = True  # every text is what the server got, no parameter beside it
        self.one_transaction = True
        self.failures = []  # of statements, whoever catches them
        self.refusals = []  # of statements that were left out
        self.returned = False
        self.recorded = False  # the version table has been written
        self.aborted = False

    def line(self):
        """Where in the revision's file we are: the innermost of its frames."""
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename in self.files:
                return frame.f_lineno
            frame = frame.f_back
        return 0


recorder = None
place = None  # of the request at hand
inside_hook = 0
open_connections = []  # those of the driver's connections that a step has made


def text_of(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


# ---- the driver ----------------------------------------------------------------------------------------------------


def recording_cursor():
    """A cursor of psycopg2 that tells what is done with it."""
    import psycopg2.extensions

    class RecordingCursor(psycopg2.extensions.cursor):
        def _note(self):
            if recorder is not None and recorder.active and not inside_hook:
                recorder.raw = True

        def execute(self, *arguments, **named):
            self._note()
            return super().execute(*arguments, **named)

        def executemany(self, *arguments, **named):
            self._note()
            return super().executemany(*arguments, **named)

        def callproc(self, *arguments, **named):
            self._note()
            return super().callproc(*arguments, **named)

        def copy_expert(self, *arguments, **named):
            self._note()
            return super().copy_expert(*arguments, **named)

        def copy_from(self, *arguments, **named):
            self._note()
            return super().copy_from(*arguments, **named)

        def copy_to(self, *arguments, **named):
            self._note()
            return super().copy_to(*arguments, **named)

        def _read(self):
            if recorder is not None and recorder.active:
                recorder.fetched = True

        def fetchone(self):
            self._read()
            return super().fetchone()

        def fetchmany(self, *arguments, **named):
            self._read()
            return super().fetchmany(*arguments, **named)

        def fetchall(self):
            self._read()
            return super().fetchall()

        def __iter__(self):
            self._read()
            return super().__iter__()

        def __next__(self):
            self._read()
            return super().__next__()

    return RecordingCursor


cursor_class = None


@event.listens_for(Pool, "connect")
def connected(connection, record):
    global cursor_class
    open_connections.append(connection)
    ask_place(connection, "a connection that env.py makes")
    if place["settings"]:
        cursor = connection.cursor()
        for setting in place["settings"]:
            cursor.execute(setting)
        cursor.close()
        connection.commit()
    if type(connection).__module__.startswith("psycopg2"):
        if cursor_class is None:
            cursor_class = recording_cursor()
        connection.cursor_factory = cursor_class


def ask_place(connection, who):
    """Nothing happens on a connection that is not to the database of the request."""
    global recorder
    kept, recorder = recorder, None  # our own questions are no part of a step
    try:
        idle = is_idle(connection)
        cursor = connection.cursor()
        cursor.execute(place["question"])
        found = cursor.fetchone()[0]
        cursor.close()
        if idle:
            connection.rollback()
    except WrongPlace:
        raise
    except Exception as failure:
        raise WrongPlace("%s can't be asked where it is: %s" % (who, failure))
    finally:
        recorder = kept
    if found != place["answer"]:
        raise WrongPlace("%s is to database '%s', not to ours" % (who, found))


def is_idle(connection):
    """Whether no transaction is open: then the one that a question of ours begins is ours to end."""
    if hasattr(connection, "get_transaction_status"):  # psycopg2
        return connection.get_transaction_status() == 0
    if hasattr(connection, "info") and hasattr(connection.info, "transaction_status"):  # psycopg
        return int(connection.info.transaction_status) == 0
    return getattr(connection, "_transaction", None) is None  # SQLAlchemy's face of asyncpg


def driver_connection(connection):
    """The driver's connection (or its adapter with the same methods) below one of SQLAlchemy's."""
    below = connection.connection
    return getattr(below, "dbapi_connection", None) or getattr(below, "connection", below)


def is_aborted(connection):
    if hasattr(connection, "get_transaction_status"):
        return connection.get_transaction_status() == 3  # TRANSACTION_STATUS_INERROR
    if hasattr(connection, "info") and hasattr(connection.info, "transaction_status"):
        return int(connection.info.transaction_status) == 3
    return False  # asyncpg: the next statement tells


def close(connection):
    """Whatever a pool or an ended event loop still holds: the database could not be dropped or copied."""
    try:
        if not hasattr(connection, "await_"):
            connection.close()
            return
        transport = connection._connection._transport  # asyncpg, below SQLAlchemy's face
        if transport is not None and transport.get_extra_info("socket") is not None:
            # Its number stays taken: whoever still holds the transport closes it later.
            transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    except Exception:
        pass


# ---- SQLAlchemy ----------------------------------------------------------------------------------------------------


def diagnostics(failure):
    """The server's words about an exception of any of the drivers."""
    orig = getattr(failure, "orig", None) or failure
    found = {}
    for source in (getattr(orig, "diag", None), orig, getattr(orig, "__cause__", None)):
        if source is None:
            continue
        for name, attributes in (
            ("sqlstate", ("sqlstate", "pgcode")),
            ("message", ("message_primary", "message")),
            ("detail", ("message_detail", "detail")),
            ("hint", ("message_hint", "hint")),
            ("context", ("context",)),
            ("schema", ("schema_name",)),
            ("table", ("table_name",)),
            ("column", ("column_name",)),
            ("type", ("datatype_name", "data_type_name")),
            ("constraint", ("constraint_name",)),
        ):
            for attribute in attributes:
                value = getattr(source, attribute, None)
                if isinstance(value, str) and value and not found.get(name):
                    found[name] = value
    code = getattr(orig, "pgcode", None)
    if isinstance(code, str) and "sqlstate" not in found:
        found["sqlstate"] = code
    if "message" not in found:
        found["message"] = (str(orig).strip().splitlines() or [""])[0]
    found["lost"] = bool(getattr(failure, "connection_invalidated", False))
    return found


def sent_text(cursor, statement):
    query = getattr(cursor, "query", None)
    return text_of(query if query else statement).strip()


def run(cursor, statement, parameters, send):
    """Sends one statement of SQLAlchemy's, on its way noting it."""
    global inside_hook
    inside_hook += 1
    try:
        if recorder is None or not recorder.active:
            send()
            return
        connection = cursor.connection if hasattr(cursor, "connection") else None
        entry = {"sql": text_of(statement).strip(), "line": recorder.line(), "ok": False}
        recorder.sent.append(entry)
        if getattr(connection, "autocommit", False) is True:
            recorder.one_transaction = False
        savepoint = recorder.leave_out and recorder.one_transaction and not controls_transaction(entry["sql"])
        if savepoint:
            cursor.execute("SAVEPOINT migproof_statement")
        try:
            send()
            entry["ok"] = True
        except Exception as failure:
            entry["sql"] = sent_text(cursor, statement)
            told = dict(diagnostics(failure), statement=entry["sql"], line=entry["line"])
            recorder.failures.append(told)
            if not recorder.leave_out or told["lost"]:
                raise
            recorder.refusals.append(told)
            if savepoint:
                cursor.execute("ROLLBACK TO SAVEPOINT migproof_statement")
                cursor.execute("RELEASE SAVEPOINT migproof_statement")
            return
        if hasattr(cursor, "query"):
            entry["sql"] = sent_text(cursor, statement)
        elif parameters:
            recorder.exact = False
        if savepoint:
            description = cursor.description
            if description is None:
                cursor.execute("RELEASE SAVEPOINT migproof_statement")
    finally:
        inside_hook -= 1


def controls_transaction(sql):
    return re.match(r"\s*(begin|start|commit|end|rollback|abort|prepare\s+transaction)\b", sql, re.I) is not None


@event.listens_for(Engine, "do_execute")
def do_execute(cursor, statement, parameters, context):
    run(cursor, statement, parameters, lambda: cursor.execute(statement, parameters))
    return True


@event.listens_for(Engine, "do_execute_no_params")
def do_execute_no_params(cursor, statement, context):
    run(cursor, statement, None, lambda: cursor.execute(statement))
    return True


@event.listens_for(Engine, "do_executemany")
def do_executemany(cursor, statement, parameters, context):
    if recorder is not None and recorder.active:
        # One by one: what was sent is known then, and it is the same to the server.
        for values in parameters:
            run(cursor, statement, values, lambda: cursor.execute(statement, values))
        return True
    return None


@event.listens_for(Engine, "commit")
def committed(connection):
    if recorder is not None and recorder.active:
        recorder.one_transaction = False


@event.listens_for(Engine, "rollback")
def rolled_back(connection):
    if recorder is not None and recorder.active:
        recorder.one_transaction = False


def watch_rowcount():
    """A step that asks how many rows a statement met has looked at the database."""
    kept = CursorResult.__dict__.get("rowcount")

    def rowcount(self):
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if recorder is not None and recorder.active and caller.split(".")[0] not in ("sqlalchemy", "alembic"):
            recorder.fetched = True
        if "migproof_rowcount" not in self.__dict__:
            self.__dict__["migproof_rowcount"] = kept.__get__(self, type(self))
            self.__dict__.pop("rowcount", None)
        return self.__dict__["migproof_rowcount"]

    if kept is not None:
        CursorResult.rowcount = property(rowcount)


watch_rowcount()


# ---- the project ---------------------------------------------------------------------------------------------------


class Project:
    def __init__(self, request):
        os.chdir(request["directory"])
        self.url_names = request["url_names"]
        self.driver = request["driver"]
        self.config = Config(request["ini"] or None, ini_section=request["section"])
        if request["script_location"]:
            self.config.set_main_option("script_location", request["script_location"].replace("%", "%%"))
        self.config.cmd_opts = argparse.Namespace(
            x=request["x"] or None, name=request["section"], config=request["ini"], raiseerr=False
        )
        self.script = ScriptDirectory.from_config(self.config)
        self.revisions = [revision.revision for revision in self.script.walk_revisions()]
        self.by_attribute = None  # whether env.py is to be given a connection; known after the first run
        self.engine = None
        self.engine_url = None

    def revision(self, name):
        return self.script.get_revision(name)

    def give_url(self, url):
        if "://" in url and self.driver:
            url = self.driver + "://" + url.split("://", 1)[1]
        self.config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
        for name in self.url_names:
            os.environ[name] = url
        return url

    def connection(self, url):
        """One of our own, for an env.py that takes it from config.attributes."""
        if self.engine_url != url:
            self.leave()
            self.engine = sqlalchemy.create_engine(url)
            self.engine_url = url
        return self.engine.connect()

    def leave(self):
        if self.engine is not None:
            self.engine.dispose()
        self.engine = None
        self.engine_url = None
        for connection in open_connections:
            close(connection)
        open_connections.clear()

    def run_env(self, steps, revision="heads", **options):
        """Runs env.py; `steps` gives what its run_migrations() is to run."""
        url = self.give_url(place["url"]) if not options.get("as_sql") else self.give_url("postgresql://")
        self.config.attributes.pop("connection", None)
        given = None
        if self.by_attribute and not options.get("as_sql"):
            given = self.connection(url)
            self.config.attributes["connection"] = given
        try:
            with EnvironmentContext(
                self.config, self.script, fn=steps, **dict({"as_sql": False, "destination_rev": revision, "tag": None}, **options)
            ):
                self.script.run_env()
        finally:
            self.config.attributes.pop("connection", None)
            if given is not None:
                given.close()
            if not options.get("as_sql"):
                self.leave()


project = None


def configured(self, *arguments, **named):
    """In place of MigrationContext.__init__: what env.py has chosen is looked at before anything runs there."""
    original_init(self, *arguments, **named)
    if self.connection is None or place is None:
        return
    connection = driver_connection(self.connection)
    if not any(connection is asked for asked in open_connections):
        ask_place(connection, "the connection that env.py gives to Alembic")


original_init = MigrationContext.__init__
MigrationContext.__init__ = configured


def own_frames(failure, files):
    """The innermost place in one of the files; else the innermost outside of the libraries."""
    line, file = 0, ""
    for frame, number in traceback.walk_tb(failure.__traceback__):
        name = frame.f_code.co_filename
        if name in files:
            file, line = name, number
    return file, line


def told(failure, files):
    file, line = own_frames(failure, files)
    report = {
        "type": type(failure).__name__,
        "file": file,
        "line": line,
        "traceback": [text.rstrip("\n") for text in traceback.format_exception(type(failure), failure, failure.__traceback__)][-3:],
    }
    if isinstance(failure, sqlalchemy.exc.DBAPIError) or getattr(failure, "pgcode", None):
        report.update(diagnostics(failure))
        if recorder is not None and recorder.failures:
            report["statement"] = recorder.failures[-1]["statement"]
        else:
            report["statement"] = text_of(getattr(failure, "statement", "") or "")
    else:
        report["message"] = (str(failure).strip().splitlines() or [type(failure).__name__])[0]
    return report


def prepare(request):
    """Runs env.py with nothing to run: Alembic makes its version table."""
    seen = {}

    def steps(heads, context):
        seen["version_table"] = context.version_table
        seen["version_table_schema"] = context.version_table_schema
        return []

    ways = [False, True] if project.by_attribute is None else [project.by_attribute]
    failure = None
    for way in ways:
        project.by_attribute = way
        try:
            project.run_env(steps)
        except (WrongPlace, Exception) as found:
            failure = failure or found
            continue
        if not seen:
            failure = failure or RuntimeError("env.py does not call context.run_migrations()")
            continue
        return seen
    project.by_attribute = None
    raise failure


def step(request):
    global recorder
    revision = project.revision(request["revision"])
    upgrades = request["direction"] == "upgrade"
    recorder = Recorder([revision.path, os.path.realpath(revision.path)], request["leave_out"])
    here = recorder
    report = {"settings": True}

    def steps(heads, context):
        connection = driver_connection(context.connection)
        ask_place(connection, "the connection of this step")
        make = MigrationStep.upgrade_from_script if upgrades else MigrationStep.downgrade_from_script
        planned = make(project.script.revision_map, revision)
        function = planned.migration_fn

        def recorded(**named):
            try:
                report["settings"] = plain_settings(connection)
                here.active = True
                try:
                    function(**named)
                except Exception as failure:
                    if not here.leave_out:
                        raise
                    here.refusals.append(told(failure, here.files))
                here.returned = True
            finally:
                here.active = False
                here.aborted = is_aborted(driver_connection(context.connection))

        planned.migration_fn = recorded
        yield planned
        here.recorded = True

    try:
        project.run_env(steps, request["revision"])
    except WrongPlace:
        raise
    except Exception as failure:
        here.recorded = False
        report["error"] = told(failure, here.files)
    report["swallowed"] = swallowed(here)
    report.update(
        sent=here.sent,
        refusals=here.refusals,
        returned=here.returned,
        recorded=here.recorded,
        replays=not here.fetched
        and not here.raw
        and here.exact
        and here.one_transaction
        and not here.failures
        and report["settings"],
    )
    recorder = None
    return report


def plain_settings(connection):
    """Whether the connection is as one of migproof's own would be, for names in the step's statements."""
    if not type(connection).__module__.startswith("psycopg2"):
        return False
    global recorder
    kept, recorder = recorder, None
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT current_setting('search_path'), current_user = session_user")
        path, same = cursor.fetchone()
        cursor.close()
        return path == PLAIN_SEARCH_PATH and same
    finally:
        recorder = kept


def swallowed(here):
    """The first error that the step's own code caught, and that left its transaction aborted."""
    if here.leave_out or not here.failures:
        return None
    ignored = [failure for failure in here.failures if failure.get("sqlstate") == "25P02"]
    if not here.returned and not ignored:
        return None
    if not ignored and not here.aborted:
        return None  # a savepoint was rolled back, or nothing was sent after
    first = next((failure for failure in here.failures if failure.get("sqlstate") != "25P02"), here.failures[0])
    return dict(first, ignored=len(ignored))


def offline(request):
    import io

    revision = project.revision(request["revision"])
    upgrades = request["direction"] == "upgrade"
    text = io.StringIO()
    project.config.output_buffer = text

    def steps(heads, context):
        make = MigrationStep.upgrade_from_script if upgrades else MigrationStep.downgrade_from_script
        context._version.create = lambda *arguments, **named: None  # the script's head makes it
        return [make(project.script.revision_map, revision)]

    starting = request["starting"] or None
    try:
        project.run_env(steps, request["revision"], as_sql=True, starting_rev=starting)
    except Exception as failure:
        return {"error": told(failure, [revision.path])}
    return {"sql": text.getvalue()}


def model(request):
    """Creates what SQLAlchemy metadata describes on an empty database."""
    import importlib

    module, _, attributes = request["name"].partition(":")
    for path in reversed([began_in] + request["paths"]):
        if path not in sys.path:
            sys.path.insert(0, path)
    found = importlib.import_module(module)
    for attribute in (attributes or "metadata").split("."):
        found = getattr(found, attribute)
    driver = request["driver"].replace("+asyncpg", "")  # no event loop is needed to create tables
    engine = sqlalchemy.create_engine(place["url"].replace("postgresql://", driver + "://", 1))
    try:
        with engine.begin() as connection:
            for schema in sorted({table.schema for table in found.tables.values() if table.schema}):
                connection.execute(sqlalchemy.text('CREATE SCHEMA IF NOT EXISTS "%s"' % schema.replace('"', '""')))
            found.create_all(connection)
    finally:
        engine.dispose()
        for connection in open_connections:
            close(connection)
        open_connections.clear()
    return {"tables": len(found.tables)}


def open_project(request):
    global project
    project = Project(request)
    return {
        "alembic": alembic.__version__,
        "sqlalchemy": sqlalchemy.__version__,
        "revisions": project.revisions,
    }


DEEDS = {"open": open_project, "prepare": prepare, "step": step, "offline": offline, "model": model}

answer({"ready": True})
for line in requests:
    wanted = json.loads(line)
    place = wanted.get("place")
    try:
        reply = DEEDS[wanted["do"]](wanted)
    except WrongPlace as refused:
        reply = {"wrong_place": str(refused)}
    except SystemExit as ended:
        reply = {"failure": {"type": "SystemExit", "message": "the project ended the process: %s" % ended.code, "traceback": []}}
    except BaseException as failure:
        reply = {"failure": told(failure, [])}
    recorder = None
    place = None
    answer(reply)

"""Rules about Airflow DAGs: work while they are parsed, tasks that never end or give up at once, moving dates."""

import ast
from collections.abc import Iterator

from dataeng_assets.analyze.code.module import CodeRule, Module, dotted, is_decorated, is_value, keyword, name_of
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.guide import Guide

Found = Iterator[tuple[ast.expr | ast.stmt, str]]

_SLOW = {
    *("requests.get", "requests.post", "requests.request", "httpx.get", "httpx.post", "urlopen", "time.sleep"),
    *("psycopg.connect", "psycopg2.connect", "snowflake.connector.connect", "boto3.client", "boto3.resource"),
    *("create_engine", "sqlalchemy.create_engine", "subprocess.run", "subprocess.check_output", "os.system"),
    *("pd.read_csv", "pd.read_sql", "pd.read_parquet", "pandas.read_csv", "pandas.read_sql", "duckdb.connect"),
    *("SparkSession.builder.getOrCreate", "get_connection", "BaseHook.get_connection"),
}
_HOOK_METHODS = {"get_records", "get_first", "get_pandas_df", "get_conn", "run", "get_connection", "read_key"}
_MOVING = {"now", "utcnow", "today", "days_ago"}
_REMOVED = {
    "schedule_interval": "schedule",
    "timetable": "schedule",
    "concurrency": "max_active_tasks",
    "default_view": "",
    "provide_context": "",
    "task_concurrency": "max_active_tis_per_dag",
}
_SECRETS = ("password", "passwd", "token", "secret", "api_key", "access_key")


def _dags(module: Module) -> Iterator[ast.Call | ast.FunctionDef]:
    """What makes a DAG: `DAG(...)`, `@dag(...)`, and `@dag` alone."""
    for call in module.calls:
        if name_of(call) in ("DAG", "dag"):
            yield call
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and any(
            not isinstance(one, ast.Call) and name_of(one) == "dag" for one in node.decorator_list
        ):
            yield node


def _said(dag: ast.Call | ast.FunctionDef, name: str) -> ast.expr | None:
    return keyword(dag, name) if isinstance(dag, ast.Call) else None


def _tasks(module: Module) -> Iterator[ast.Call]:
    """Operators and sensors that are made, and `@task(...)`."""
    for call in module.calls:
        name = name_of(call)
        is_task = dotted(call).split(".")[0] == "task" and any(
            call in getattr(around, "decorator_list", []) for around in module.around(call)
        )
        if is_task or (name.endswith(("Operator", "Sensor")) and name[0].isupper()):
            yield call


def _defaults(module: Module) -> dict[str, ast.expr]:
    """What `default_args` say, wherever they are written."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Assign) and any(name_of(one) == "default_args" for one in node.targets):
            found |= _entries(node.value)
    for call in module.calls:
        if (value := keyword(call, "default_args")) is not None:
            found |= _entries(value)
    return found


def _entries(node: ast.expr) -> dict[str, ast.expr]:
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, ast.Call) and name_of(node) == "dict":
        return {one.arg: one.value for one in node.keywords if one.arg}
    return {}


def _work_at_import(module: Module) -> Found:
    for call in module.calls:
        name = dotted(call)
        hook = (
            isinstance(call.func, ast.Attribute) and call.func.attr in _HOOK_METHODS and "Hook" in ast.dump(call.func)
        )
        if (name in _SLOW or hook) and module.runs_at_import(call):
            yield call, f"`{name}` runs whenever the file is parsed, not when the task runs."


def _variable_at_import(module: Module) -> Found:
    for call in module.calls:
        if dotted(call) in ("Variable.get", "models.Variable.get") and module.runs_at_import(call):
            yield call, "`Variable.get` asks the database whenever the file is parsed."


def _no_timeout(module: Module) -> Found:
    if "execution_timeout" in _defaults(module):
        return
    for call in _tasks(module):
        if keyword(call, "execution_timeout") is None and not name_of(call).startswith(("Empty", "Dummy")):
            yield call, f"`{_task_name(call)}` may run for ever: it has no `execution_timeout`."


def _missing_retries(module: Module) -> Found:
    if "retries" in _defaults(module):
        return
    for call in _tasks(module):
        if keyword(call, "retries") is None and not name_of(call).startswith(("Empty", "Dummy")):
            yield call, f"`{_task_name(call)}` fails for good at the first error: it has no `retries`."


def _task_name(call: ast.Call) -> str:
    named = keyword(call, "task_id")
    return str(named.value) if isinstance(named, ast.Constant) else name_of(call)


def _catchup(module: Module) -> Found:
    for dag in _dags(module):
        said = _said(dag, "catchup")
        if said is None:
            yield dag, "The DAG does not say `catchup`: Airflow 2 takes True, Airflow 3 takes False."
        elif is_value(said, True) and _said(dag, "max_active_runs") is None:
            yield dag, "With `catchup=True` every past interval is run, and nothing says how many at a time."


def _moving_start(module: Module) -> Found:
    starts = [keyword(call, "start_date") for call in module.calls] + [_defaults(module).get("start_date")]
    for value in starts:
        if value is not None and any(isinstance(one, ast.Call) and name_of(one) in _MOVING for one in ast.walk(value)):
            yield value, "The start date is another one at each parse, so the first interval never ends or moves on."


def _missing_owner(module: Module) -> Found:
    if "owner" not in _defaults(module):
        for dag in _dags(module):
            yield dag, "Nobody is named as owner in `default_args`."


def _missing_tags(module: Module) -> Found:
    for dag in _dags(module):
        if _said(dag, "tags") is None:
            yield dag, "The DAG has no `tags`."


def _no_notice(module: Module) -> Found:
    known = {"on_failure_callback", "email_on_failure"}
    if known & _defaults(module).keys() or any(one.arg in known for call in module.calls for one in call.keywords):
        return
    for dag in _dags(module):
        yield dag, "Nobody is told when a task fails."


def _removed_names(module: Module) -> Found:
    for dag in _dags(module):
        for one in dag.keywords if isinstance(dag, ast.Call) else ():
            if one.arg in _REMOVED:
                instead = f"; write `{_REMOVED[one.arg]}`" if _REMOVED[one.arg] else ""
                yield one.value, f"`{one.arg}` is not in Airflow 3{instead}."
    for call in module.calls:
        if name_of(call) in ("DummyOperator", "SubDagOperator"):
            yield call, f"`{name_of(call)}` is not in Airflow 3."


def _waiting_sensor(module: Module) -> Found:
    for call in _tasks(module):
        waits = keyword(call, "mode") is None and keyword(call, "deferrable") is None
        if name_of(call).endswith("Sensor") and waits and "mode" not in _defaults(module):
            yield call, f"`{_task_name(call)}` takes a worker's place while it waits."


def _clock_in_task(module: Module) -> Found:
    tasks = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef) and is_decorated(node, "task") and not is_decorated(node, "dag")
    ]
    for task in tasks:
        for node in ast.walk(task):
            if isinstance(node, ast.Call) and dotted(node) in (
                *("datetime.now", "datetime.utcnow", "datetime.datetime.now", "date.today", "datetime.date.today"),
                *("pendulum.now", "pendulum.today", "timezone.utcnow"),
            ):
                yield node, f"`{task.name}` reads the clock, so a rerun of a past interval reads other data."


def _secret_in_code(module: Module) -> Found:
    for call in module.calls:
        for one in call.keywords:
            is_text = isinstance(one.value, ast.Constant) and isinstance(one.value.value, str) and one.value.value
            named = one.arg is not None and any(one.arg.lower().endswith(word) for word in _SECRETS)
            if named and is_text and "{{" not in str(one.value.value):  # type: ignore[attr-defined]  # is_text says so
                yield one.value, f"`{one.arg}` is written in the code."


RULES = (
    CodeRule(
        Guide(
            "airflow-work-at-import",
            "Work while the DAG is parsed",
            Severity.ERROR,
            "The scheduler's DAG processor reads each file again every few seconds. A query or request there runs as "
            "often, slows all DAGs of the file down, and takes the DAG away when it fails or outlasts "
            "dagbag_import_timeout.",
            "Never: move it into a task.",
            'rows = PostgresHook("shop").get_records("select 1")',
            ('@task\ndef rows():\n    return PostgresHook("shop").get_records("select 1")'),
            effect="Parsing takes milliseconds and does not fail with another system.",
        ),
        _work_at_import,
    ),
    CodeRule(
        Guide(
            "airflow-variable-at-import",
            "Variable.get while the DAG is parsed",
            Severity.WARNING,
            "Each parse opens a connection to the metadata database, for each variable.",
            "The variable decides which tasks there are; then read one JSON variable for all.",
            'bucket = Variable.get("bucket")',
            'copy = BashOperator(task_id="copy", bash_command="copy {{ var.value.bucket }}")',
        ),
        _variable_at_import,
    ),
    CodeRule(
        Guide(
            "airflow-no-timeout",
            "Task without a time limit",
            Severity.WARNING,
            "A task that hangs holds its worker's place and its pool, and later runs wait behind it.",
            "The executor ends tasks by a limit of its own.",
            'load = BashOperator(task_id="load", bash_command="load.sh", retries=2)',
            'load = BashOperator(task_id="load", bash_command="load.sh", retries=2, execution_timeout=limit)',
        ),
        _no_timeout,
    ),
    CodeRule(
        Guide(
            "airflow-missing-retries",
            "Task without retries",
            Severity.WARNING,
            "A connection that breaks once fails the run and wakes somebody.",
            "The task must not run twice, for it is not idempotent; then say `retries=0`.",
            'load = BashOperator(task_id="load", bash_command="load.sh", execution_timeout=limit)',
            'load = BashOperator(task_id="load", bash_command="load.sh", execution_timeout=limit, retries=2)',
        ),
        _missing_retries,
    ),
    CodeRule(
        Guide(
            "airflow-catchup",
            "Catchup that is not said, or not bounded",
            Severity.WARNING,
            "A DAG that is switched on after a month starts a run for each interval since its start date, or none: "
            "which it is depends on the version and on catchup_by_default.",
            "Never: one word says it.",
            ('with DAG("load", schedule="@daily", tags=["shop"], start_date=start):\n    pass'),
            ('with DAG("load", schedule="@daily", tags=["shop"], start_date=start, catchup=False):\n    pass'),
        ),
        _catchup,
    ),
    CodeRule(
        Guide(
            "airflow-moving-start-date",
            "Start date that moves",
            Severity.ERROR,
            "A run is made when its interval is over, counted from the start date. One that is now at each parse is "
            "never over.",
            "Never.",
            'dag = DAG("load", tags=["shop"], catchup=False, start_date=datetime.now())',
            'dag = DAG("load", tags=["shop"], catchup=False, start_date=datetime(2026, 1, 1, tzinfo=UTC))',
            effect="The schedule runs.",
        ),
        _moving_start,
    ),
    CodeRule(
        Guide(
            "airflow-missing-owner",
            "DAG without an owner",
            Severity.INFO,
            "Who is to look at a failure is found by asking around.",
            "One team has all DAGs.",
            'default_args = {"retries": 2}',
            'default_args = {"retries": 2, "owner": "sales-data"}',
        ),
        _missing_owner,
    ),
    CodeRule(
        Guide(
            "airflow-missing-tags",
            "DAG without tags",
            Severity.INFO,
            "The list of DAGs cannot be narrowed to a team or a domain.",
            "There are few DAGs.",
            'dag = DAG("load", catchup=False)',
            'dag = DAG("load", catchup=False, tags=["shop"])',
        ),
        _missing_tags,
    ),
    CodeRule(
        Guide(
            "airflow-no-failure-notice",
            "Nobody is told of a failure",
            Severity.INFO,
            "A failure is seen when somebody misses the data.",
            "An alert on the metrics of Airflow does it.",
            'default_args = {"owner": "sales-data"}',
            'default_args = {"owner": "sales-data", "on_failure_callback": tell_the_team}',
        ),
        _no_notice,
    ),
    CodeRule(
        Guide(
            "airflow-removed-name",
            "Name that Airflow 3 does not have",
            Severity.ERROR,
            "Airflow 3 refuses the argument, so the DAG is not imported.",
            "The file is for Airflow 2 only.",
            'dag = DAG("load", schedule_interval="@daily", catchup=False, tags=["shop"])',
            'dag = DAG("load", schedule="@daily", catchup=False, tags=["shop"])',
        ),
        _removed_names,
    ),
    CodeRule(
        Guide(
            "airflow-waiting-sensor",
            "Sensor that holds a worker",
            Severity.WARNING,
            "A sensor that pokes sits in a worker's place all the time. With as many of them as places nothing else "
            "runs.",
            "It waits for less than a minute.",
            'wait = S3KeySensor(task_id="wait", bucket_key=key, execution_timeout=limit, retries=1)',
            'wait = S3KeySensor(task_id="wait", bucket_key=key, execution_timeout=limit, retries=1, deferrable=True)',
        ),
        _waiting_sensor,
    ),
    CodeRule(
        Guide(
            "airflow-clock-in-task",
            "Task that reads the clock",
            Severity.WARNING,
            "A run for last Monday that is repeated today has to read last Monday.",
            "The moment itself is wanted, such as for a log line.",
            "@task(retries=2, execution_timeout=limit)\ndef load():\n    copy(datetime.now())",
            "@task(retries=2, execution_timeout=limit)\ndef load(data_interval_start=None):\n"
            "    copy(data_interval_start)",
        ),
        _clock_in_task,
    ),
    CodeRule(
        Guide(
            "airflow-secret-in-code",
            "Secret in the code",
            Severity.ERROR,
            "Who reads the repository, or the rendered DAG, has it; and to change it means to deploy.",
            "Never: use a connection or a secrets backend.",
            'connect(host="db", password="hunter2")',
            'connect(host="db", password=BaseHook.get_connection("db").password)',
        ),
        _secret_in_code,
    ),
)
"""Rules for files that import airflow."""

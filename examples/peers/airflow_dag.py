from datetime import datetime
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

here = str(Path(__file__).resolve().parent)

with DAG("peers", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False, params={"horizon": 24}):
    leaderboard = BashOperator(
        task_id="leaderboard",
        bash_command="mkdir -p airflow && echo {{ params.horizon }} > airflow/leaderboard.txt",
        cwd=here,
    )
    report = BashOperator(task_id="report", bash_command="cp airflow/leaderboard.txt airflow/report.txt", cwd=here)
    leaderboard >> report

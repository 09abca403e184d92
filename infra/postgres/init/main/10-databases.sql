-- The main server: one role and one database for Airflow, one for the platform's own data.
-- Runs once, on an empty data directory. Passwords come from files, so no process list or log shows them.
\set airflow_password `cat /run/secrets/airflow_db_password`
\set diabetes_password `cat /run/secrets/diabetes_db_password`
\set monitor_password `cat /run/secrets/postgres_monitor_password`

CREATE ROLE airflow LOGIN PASSWORD :'airflow_password';
CREATE DATABASE airflow OWNER airflow;
REVOKE ALL ON DATABASE airflow FROM PUBLIC;

CREATE ROLE diabetes LOGIN PASSWORD :'diabetes_password';
CREATE DATABASE diabetes OWNER diabetes;
REVOKE ALL ON DATABASE diabetes FROM PUBLIC;

-- Reads statistics for Prometheus, and of the tables just those that the migrations let it read.
CREATE ROLE monitor LOGIN PASSWORD :'monitor_password' CONNECTION LIMIT 5;
GRANT pg_monitor TO monitor;

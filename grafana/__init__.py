"""Dashboards as code; the rest of this folder is what Grafana and Prometheus read."""

"""Every answered request, kept in the monitoring database: off the request's path, and through outages."""

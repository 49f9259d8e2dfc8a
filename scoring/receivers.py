"""Keep the leads' scores in step with the event log."""

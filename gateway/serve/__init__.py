"""How we are reached and how we call out: listeners, sockets, callers, problems, tasks, the outbox."""

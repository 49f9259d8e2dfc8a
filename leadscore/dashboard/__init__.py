"""What marketing and sales people look at: server-rendered pages, kept up to date by polled fragments."""

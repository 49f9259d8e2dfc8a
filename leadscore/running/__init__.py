"""How one installation is started, watched and ended: `manage.py up` and the processes it is made of."""

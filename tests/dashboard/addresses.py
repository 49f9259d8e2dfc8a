"""Every address of the web process, the pages among them."""

from django.urls import include, path

from leadscore import urls

urlpatterns = [path("", include("leadscore.dashboard.urls")), *urls.urlpatterns]

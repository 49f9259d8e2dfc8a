"""The routes of this app, under the address they have in the whole."""

from django.urls import include, path

urlpatterns = [path("api/", include("automation.api.urls"))]

# No configs, so no versions.

ping() {
  wget -q -O - http://localhost/
}

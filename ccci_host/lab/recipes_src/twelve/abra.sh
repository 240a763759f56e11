status() {
  for service in front api worker; do
    wget -q -O - "http://$service/" || echo "$service is down"
  done
}

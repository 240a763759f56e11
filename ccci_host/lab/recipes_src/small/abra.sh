# Set any config versions here
# Docs: https://docs.coopcloud.tech/maintainers/handbook/#manage-configs
export APP_ENTRYPOINT_VERSION=v2

signatures() {
  cat /www/uploads/signatures
}

sign() {
  if [ -z "$1" ]; then
    echo "Usage: abra app cmd DOMAIN app sign NAME"
    exit 1
  fi
  echo "$1" >> /www/uploads/signatures
}

export WEB_CONF_VERSION=v1
export QUEUE_CONF_VERSION="v3"

admin() {
  case "$1" in
    create) echo "creating $2" ;;
    *)
      echo "export NOTHING_VERSION=v9 is only a word in a function"
      ;;
  esac
}

environment() {
  local key
  for key in $(env | cut -d= -f1); do
    export "COPY_OF_$key"="$(printenv "$key")"
  done
}

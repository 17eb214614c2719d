# For the launchers: vector_bits JAVA_HOME CLASSPATH prints the option that sets the width of vectors,
# which a calibration of a quarter of a second finds once for a processor and a JVM. Where nothing can
# be kept it prints nothing, for a width found anew each time would not repeat: vectors are then as wide
# as the machine has them.
vector_bits() {
  [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] || return 0
  vb_folder=${XDG_CACHE_HOME:-$HOME/.cache}/sextant
  vb_key=$({
    uname -m
    grep -i '^model' /proc/cpuinfo 2>/dev/null | sort -u
    cat "$1/release"
  } 2>/dev/null | cksum | tr -d ' ') || return 0
  vb_file=$vb_folder/vector-bits-$vb_key
  vb_bits=$(cat "$vb_file" 2>/dev/null) || vb_bits=
  case $vb_bits in
    128 | 256 | 512) ;;
    *)
      mkdir -p "$vb_folder" 2>/dev/null || return 0
      (: >"$vb_file.$$") 2>/dev/null || return 0
      vb_bits=$("$1/bin/java" --add-modules jdk.incubator.vector -cp "$2" \
        dev.sextant.tensor.internal.cpu.vector.WidthCalibration 2>/dev/null) || vb_bits=
      case $vb_bits in
        128 | 256 | 512) echo "$vb_bits" >"$vb_file.$$" && mv -f "$vb_file.$$" "$vb_file" ;;
        *)
          rm -f "$vb_file.$$"
          return 0
          ;;
      esac
      ;;
  esac
  echo "-Dsextant.vector.bits=$vb_bits"
}

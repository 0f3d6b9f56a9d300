# To be sourced: at() changes to an empty directory of the file system that it is told.
layers() { python3 -c 'import sys; sys.path.insert(0, "/cases/py"); from mounting import mount; sys.exit(mount("overlay", "/work/layers/m", "overlay", 0, sys.argv[1]))' "$1"; }

at() {
  case $1 in
    memory) mkdir /work/memory && cd /work/memory ;;
    layers)
      mkdir /work/layers && cd /work/layers && mkdir lower upper work m lower/merged
      layers lowerdir=/work/layers/lower,upperdir=/work/layers/upper,workdir=/work/layers/work && cd m/merged
      ;;
    root) mkdir /var/tmp/own && cd /var/tmp/own ;;
    disk) cd /mnt ;;
    ninep) . /cases/sh/ninep_mount.sh && ninep unix cache=mmap && cd /work/mounted ;;
    # FUSE servers that pass everything on to a directory: one for all users, one for files, and this with a write-back cache before it.
    served | served-files | served-back)
      mkdir -p /work/served/below /work/served/m
      case $1 in
        # With nothing that is believed for a while: else tests that look whether times change depend on how fast they are.
        served) bindfs -o attr_timeout=0,entry_timeout=0,negative_timeout=0 /work/served/below /work/served/m ;;
        served-files) /usr/src/libfuse/build/example/passthrough_ll -o source=/work/served/below /work/served/m ;;
        served-back) /usr/src/libfuse/build/example/passthrough_ll -o source=/work/served/below,writeback,cache=always /work/served/m ;;
      esac && cd /work/served/m
      ;;
  esac
}

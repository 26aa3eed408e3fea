// Options of overlays that a program mounts: how they are parsed and checked, what they imply, and how /proc/mounts shows them.
#include "privileged.h"
#include <sys/syscall.h>
#include <sys/xattr.h>

static void show_options(void) {
  FILE *f = fopen("/proc/self/mounts", "r");
  char line[1000];
  while (fgets(line, sizeof line, f))
    if (strstr(line, "/privileged/area/m ")) printf("  %s", line);
  fclose(f);
}

// Directories that no mount before has left its marks on.
static void fresh_area(void) {
  static const char *dirs[] = {"low", "low/sub", "low2", "low3", "up", "up/inner", "work", "work/inner", "m", "up2", "a:b", "a,b", "other", "a\\:b"};
  MUST(mount("area", "/tmp/privileged/area", "tmpfs", 0, NULL));
  MUST(chdir("/tmp/privileged/area"));
  for (unsigned i = 0; i < sizeof dirs / sizeof *dirs; i++) MUST(mkdir(dirs[i], 0755));
  MUST(mount("other", "other", "tmpfs", 0, NULL));
  MUST(mkdir("other/w", 0755));
  put_file("file", "x");
  MUST(symlink("low", "link"));
  MUST(symlink("up", "uplink"));
}

static void leave_area(void) {
  MUST(chdir("/tmp/privileged"));
  MUST(umount2("area/other", 0));
  MUST(umount2("area", 0));
}

static void try_options(const char *data) {
  fresh_area();
  int result = mount("o", "m", "overlay", 0, data);
  printf("%s: %s\n", data, result == 0 ? "ok" : strerrorname_np(errno));
  if (result == 0) {
    show_options();
    MUST(umount2("m", 0));
  }
  leave_area();
}

static const char *const options[] = {
    "", "index", "index=", "index=on", "index=off", "index=yes", "index=ON", "index=on,index=off", "redirect_dir=on", "redirect_dir=off",
    "redirect_dir=follow", "redirect_dir=nofollow", "redirect_dir=bad", "redirect_dir", "redirect_dir=", "metacopy=on", "metacopy=off", "metacopy=on,redirect_dir=on",
    "metacopy=on,redirect_dir=off", "metacopy=on,redirect_dir=follow", "metacopy=on,redirect_dir=nofollow", "metacopy=bad",
    "nfs_export=on", "nfs_export=off", "nfs_export=on,index=on", "nfs_export=on,index=off", "nfs_export=on,metacopy=on", "nfs_export=on,metacopy=on,index=on",
    "xino=on", "xino=off", "xino=auto", "xino=bad", "xino", "userxattr", "userxattr=on", "userxattr=", "userxattr,redirect_dir=on", "userxattr,redirect_dir=off",
    "userxattr,redirect_dir=nofollow", "userxattr,redirect_dir=follow", "userxattr,metacopy=on", "userxattr,metacopy=off", "volatile", "volatile=on", "fsync=strict", "fsync=auto", "fsync=volatile",
    "fsync=bad", "uuid=on", "uuid=off", "uuid=null", "uuid=auto", "uuid=bad", "uuid", "default_permissions", "default_permissions=1", "verity=off", "verity=on", "verity=require",
    "verity=bad", "override_creds", "nooverride_creds", "override_creds=on", "ro", "rw", "nosuch", "nosuch=1", ",", "index=on,", ",,index=on", "datadir+=low2", "lowerdir+=low2", "xino=on,xino=off,index=on,redirect_dir=on,metacopy=on,nfs_export=off,volatile,uuid=null",
    "index=off,nfs_export=on,userxattr", "metacopy=on,userxattr,redirect_dir=on", "upperdir=up", "workdir=work"};

static const char *const layers[] = {
    "lowerdir=low,upperdir=up,workdir=work", "lowerdir=low:low2",
};

static const char *const paths[] = {
    "", "upperdir=up,workdir=work", "lowerdir=", "lowerdir", "lowerdir=low,upperdir=up", "lowerdir=low,workdir=work", "lowerdir=low,upperdir=,workdir=work",
    "lowerdir=low,upperdir=up,workdir=", "lowerdir=low,upperdir=up,workdir=up", "lowerdir=low,upperdir=up,workdir=up/inner", "lowerdir=low,upperdir=work/inner,workdir=work",
    "lowerdir=none,upperdir=up,workdir=work", "lowerdir=low:none", "lowerdir=low,upperdir=none,workdir=work", "lowerdir=low,upperdir=up,workdir=none",
    "lowerdir=file", "lowerdir=low:file", "lowerdir=low,upperdir=file,workdir=work", "lowerdir=low,upperdir=up,workdir=file", "lowerdir=low,upperdir=up,workdir=/proc",
    "lowerdir=low,upperdir=/proc,workdir=/proc", "lowerdir=low,upperdir=up,workdir=other/w", "lowerdir=low:low", "lowerdir=low:low/sub", "lowerdir=low/sub:low", "lowerdir=low,upperdir=low,workdir=work",
    "lowerdir=low,upperdir=low/sub,workdir=work", "lowerdir=low/sub,upperdir=low,workdir=work", "lowerdir=:low", "lowerdir=low:", "lowerdir=low::low2", "lowerdir=::low", "lowerdir=low:::low2", "lowerdir=low::low2:low3",
    "lowerdir=low\\:x", "lowerdir=a\\:b", "lowerdir=a\\,b", "lowerdir=low,lowerdir=low2", "lowerdir=a\\:b:low", "lowerdir=low,upperdir=a\\:b,workdir=work", "lowerdir=a:b", "lowerdir=:", "lowerdir=::", "lowerdir=low: low2",
    "lowerdir=link", "lowerdir=link,upperdir=uplink,workdir=work", "upperdir=up,workdir=work,lowerdir=low", "lowerdir=low,upperdir=up,upperdir=up2,workdir=work", "lowerdir=./low,upperdir=/tmp/privileged/up,workdir=up/../work",
    "lowerdir=/,upperdir=up,workdir=work", "lowerdir=/proc", "lowerdir=/dev", "lowerdir=low:low2:low3", "lowerdir+=low", "lowerdir+=low,lowerdir+=low2", "lowerdir=low,lowerdir+=low2", "lowerdir+=low,datadir+=low2", "datadir+=low", "lowerdir+=low:low2", "lowerdir+=low,lowerdir=low2", "lowerdir=low,upperdir=up2/,workdir=work", "lowerdir=low\\:x:low", "lowerdir=low:a\\,b", "lowerdir=low:a,b", "lowerdir=low::file", "lowerdir+=,lowerdir+=low", "lowerdir=low,upperdir=up,workdir=work,upperdir=up2", "workdir=work,upperdir=up,lowerdir=low2:low", "lowerdir=low3,upperdir=low,workdir=low/sub", "lowerdir=up/inner,upperdir=up,workdir=work", "lowerdir=work/inner,upperdir=up,workdir=work", "lowerdir=work,upperdir=up,workdir=work/inner", "lowerdir=other:low", "lowerdir=other,upperdir=up,workdir=work,xino=on", "lowerdir=other,upperdir=up,workdir=work,xino=auto", "lowerdir=other,upperdir=up,workdir=work", "lowerdir=other,upperdir=up,workdir=work,xino=off", "lowerdir=/proc,upperdir=up,workdir=work", "lowerdir=/proc:low,xino=on", "lowerdir=/proc,upperdir=up,workdir=work,index=on", "lowerdir=/proc,upperdir=up,workdir=work,nfs_export=on",
};

static void opened(const char *const *keys, int count) {
  fresh_area();
  int fs = syscall(SYS_fsopen, "overlay", 0);
  for (int i = 0; i < count; i++) {
    char key[64];
    const char *equals = strchr(keys[i], '=');
    int result;
    // A plus belongs to the key.
    snprintf(key, sizeof key, "%.*s", equals ? (int)(equals - keys[i]) : 63, keys[i]);
    result = syscall(SYS_fsconfig, fs, equals ? 1 : 0, key, equals ? equals + 1 : NULL, 0);
    printf("  %s %s\n", keys[i], result == 0 ? "ok" : strerrorname_np(errno));
  }
  int created = syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0);
  printf("  create %s\n", created == 0 ? "ok" : strerrorname_np(errno));
  if (created == 0) {
    int m = syscall(SYS_fsmount, fs, 0, 0);
    errno = 0;
    if (syscall(SYS_move_mount, m, "", AT_FDCWD, "m", 4) == 0) {
      show_options();
      close(m);
      MUST(umount2("m", 0));
    } else printf("  move_mount %s\n", strerrorname_np(errno));
  }
  char message[300];
  ssize_t n;
  while ((n = read(fs, message, sizeof message - 1)) > 0) {
    message[n] = 0;
    printf("  says %s%s", message, message[n - 1] == '\n' ? "" : "\n");
  }
  close(fs);
  leave_area();
}

// Nothing of an overlay can be changed but whether it is read-only.
static void picked(void) {
  static const char *const settings[][2] = {{"index", "on"}, {"lowerdir", "low"}, {"nosuch", "x"}, {"userxattr", NULL}, {"source", "y"}, {"ro", NULL}};
  fresh_area();
  MUST(mount("o", "m", "overlay", 0, "lowerdir=low,upperdir=up,workdir=work"));
  int fs = MUST(syscall(SYS_fspick, AT_FDCWD, "m", 0));
  for (int i = 0; i < 6; i++) {
    int result = syscall(SYS_fsconfig, fs, settings[i][1] ? 1 : 0, settings[i][0], settings[i][1], 0);
    printf("  picked %s: %s\n", settings[i][0], result == 0 ? "ok" : strerrorname_np(errno));
  }
  CHECK(syscall(SYS_fsconfig, fs, 7, NULL, NULL, 0));
  CHECK(mkdir("m/d", 0755));
  char message[300];
  for (ssize_t n; (n = read(fs, message, sizeof message - 1)) > 0;) printf("  says %.*s", (int)n, message);
  close(fs);
  MUST(umount2("m", 0));
  leave_area();
}

#define OPENED(...) (printf("fsopen:\n"), opened((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)))

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  own_mounts();
  MUST(mkdir("area", 0755));
  char data[600];
  for (unsigned l = 0; l < sizeof layers / sizeof *layers; l++)
    for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
      snprintf(data, sizeof data, "%s%s%s", layers[l], *options[i] ? "," : "", options[i]);
      try_options(data);
    }
  for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) try_options(paths[i]);
  OPENED("lowerdir=low", "upperdir=up", "workdir=work", "index=on");
  OPENED("lowerdir=low", "upperdir=up", "workdir=work", "index=bad");
  OPENED("lowerdir=low", "nosuch");
  OPENED("lowerdir+=low", "lowerdir+=low2", "datadir+=low3", "metacopy=on");
  OPENED("lowerdir+=low", "datadir+=low3", "lowerdir+=low2");
  OPENED("upperdir=up", "workdir=work");
  OPENED("lowerdir=none");
  OPENED("lowerdir=low", "upperdir=none");
  OPENED("lowerdir=low", "upperdir=up", "workdir=work", "userxattr", "redirect_dir=on");
  OPENED("lowerdir=low", "upperdir=up", "workdir=work", "nfs_export=on", "metacopy=on");
  OPENED("lowerdir=low", "upperdir=up", "workdir=work", "volatile", "xino=on");
  OPENED("lowerdir=low", "upperdir=up");
  OPENED("lowerdir=low", "workdir=work");
  OPENED("lowerdir=low", "upperdir=up", "workdir=work", "lowerdir=low2", "upperdir=up2");
  OPENED("lowerdir=low", "lowerdir=low2:low3");
  OPENED("lowerdir=file:low");
  OPENED("lowerdir=low", "upperdir=file");
  OPENED("upperdir=up", "workdir=file");
  OPENED("upperdir=up", "upperdir");
  OPENED("lowerdir+=low", "lowerdir+=none", "lowerdir+=low2");
  OPENED("lowerdir+=low", "lowerdir=low2:low3");
  OPENED("lowerdir=low2:low3", "lowerdir+=low");
  OPENED("lowerdir=low:", "lowerdir=:low", "lowerdir=low:::low2", "lowerdir=low::low2:low3", "lowerdir=");
  OPENED("lowerdir+=low:low2");
  OPENED("lowerdir=low:a,b");
  OPENED("lowerdir+=a,b", "lowerdir+=low");
  OPENED("lowerdir+=a:b", "lowerdir+=a\\:b", "lowerdir+=low");
  OPENED("upperdir=/proc");
  OPENED("upperdir=");
  OPENED("datadir+=low", "lowerdir+=low2");
  OPENED("userxattr=on", "default_permissions=x", "redirect_dir", "index=maybe", "volatile=on", "uuid=bad", "verity=bad", "fsync=strict", "fsync=maybe");
  OPENED("ro", "lowerdir=low:low2");
  OPENED("lowerdir=low", "upperdir=up", "upperdir=none", "workdir=work", "workdir=file");
  OPENED("lowerdir=low:low2", "lowerdir=none", "lowerdir+=low");
  picked();
  OPENED("lowerdir");
  OPENED("lowerdir=low:", "source=x");
  return 0;
}

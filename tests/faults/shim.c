/* A disk that forgets: loaded into a program, it keeps beside the files what a power cut would
   leave of them, and pulls the plug at a chosen moment.

   POWER_ROOT     folder that is watched; files elsewhere are none of our business
   POWER_DISK     folder that stands for the disk: "inodes/N" is what was synced of file N,
                  "dirs/N" the names in folder N when that folder was last synced
   POWER_DIE_AT   the number of the change before which the process is killed; 0: never

   Every change of a watched file (write, truncate, sync, unlink, rename, creation) is counted in
   POWER_DISK/changes. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[4096], disk[4096];
static size_t root_length;
static long die_at;
static long *changes;

#define REAL(name) ((typeof(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
  const char *told = getenv("POWER_ROOT"), *where = getenv("POWER_DISK"), *at = getenv("POWER_DIE_AT");
  char path[4200];
  int fd;
  if (!told || !where || !realpath(told, root)) return;
  snprintf(disk, sizeof disk, "%s", where);
  root_length = strlen(root);
  die_at = at ? atol(at) : 0;
  snprintf(path, sizeof path, "%s/changes", disk);
  fd = (int)((long (*)(const char *, int, ...))real("open"))(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) { root_length = 0; return; }
  if (REAL(ftruncate)(fd, sizeof *changes)) { root_length = 0; return; }
  changes = mmap(NULL, sizeof *changes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (changes == MAP_FAILED) root_length = 0;
}

static int below(const char *path) {
  return root_length && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static int watched(int fd) {
  char name[64], path[4096];
  ssize_t length;
  if (!root_length) return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  length = readlink(name, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}

static int named(int folder, const char *name) {
  char path[8200], whole[4096];
  const char *slash = strrchr(name, '/');
  if (!root_length) return 0;
  if (name[0] == '/' || folder == AT_FDCWD)
    snprintf(path, sizeof path, "%.*s", slash ? (int)(slash - name) : 1, slash ? name : ".");
  else
    snprintf(path, sizeof path, "/proc/self/fd/%d/%.*s", folder, slash ? (int)(slash - name) : 1,
             slash ? name : ".");
  return realpath(path[0] ? path : "/", whole) && below(whole);
}

static void change(void) {
  if (__atomic_add_fetch(changes, 1, __ATOMIC_SEQ_CST) == die_at) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
}

static void put(const char *from, const char *to) { REAL(rename)(from, to); }

static void keep_file(int fd, const struct stat *about) {
  char name[64], to[4200], part[4300], piece[65536];
  int in, out;
  ssize_t length;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  snprintf(to, sizeof to, "%s/inodes/%lu", disk, (unsigned long)about->st_ino);
  snprintf(part, sizeof part, "%s.%d", to, getpid());
  in = (int)((long (*)(const char *, int, ...))real("open"))(name, O_RDONLY | O_CLOEXEC);
  out = (int)((long (*)(const char *, int, ...))real("open"))(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  while ((length = read(in, piece, sizeof piece)) > 0)
    if (REAL(write)(out, piece, (size_t)length) != length) break;
  close(in);
  close(out);
  put(part, to);
}

static void keep_folder(int fd, const struct stat *about) {
  char name[64], to[4200], part[4300];
  DIR *folder;
  struct dirent *entry;
  FILE *out;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  snprintf(to, sizeof to, "%s/dirs/%lu", disk, (unsigned long)about->st_ino);
  snprintf(part, sizeof part, "%s.%d", to, getpid());
  folder = opendir(name);
  out = fopen(part, "we");
  if (!folder || !out) return;
  while ((entry = readdir(folder)))
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
      fprintf(out, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
  fclose(out);
  closedir(folder);
  put(part, to);
}

static int synced(int fd, int result) {
  struct stat about;
  if (!result && !fstat(fd, &about)) {
    if (S_ISREG(about.st_mode)) keep_file(fd, &about);
    if (S_ISDIR(about.st_mode)) keep_folder(fd, &about);
  }
  return result;
}

int fsync(int fd) {
  if (!watched(fd)) return REAL(fsync)(fd);
  change();
  return synced(fd, REAL(fsync)(fd));
}

int fdatasync(int fd) {
  if (!watched(fd)) return REAL(fdatasync)(fd);
  change();
  return synced(fd, REAL(fdatasync)(fd));
}

ssize_t write(int fd, const void *from, size_t length) {
  if (root_length && watched(fd)) change();
  return REAL(write)(fd, from, length);
}

ssize_t pwrite(int fd, const void *from, size_t length, off_t at) {
  if (root_length && watched(fd)) change();
  return REAL(pwrite)(fd, from, length, at);
}

ssize_t pwrite64(int fd, const void *from, size_t length, off64_t at) {
  if (root_length && watched(fd)) change();
  return REAL(pwrite64)(fd, from, length, at);
}

int ftruncate(int fd, off_t length) {
  if (root_length && watched(fd)) change();
  return REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
  if (root_length && watched(fd)) change();
  return REAL(ftruncate64)(fd, length);
}

int unlink(const char *name) {
  if (root_length && named(AT_FDCWD, name)) change();
  return REAL(unlink)(name);
}

int rename(const char *from, const char *to) {
  if (root_length && named(AT_FDCWD, to)) change();
  return REAL(rename)(from, to);
}

int mkdir(const char *name, mode_t mode) {
  if (root_length && named(AT_FDCWD, name)) change();
  return REAL(mkdir)(name, mode);
}

#define OPEN(function)                                                            \
  int function(const char *name, int flags, ...) {                                \
    va_list more;                                                                 \
    mode_t mode = 0;                                                              \
    if (flags & O_CREAT) {                                                        \
      va_start(more, flags);                                                      \
      mode = (mode_t)va_arg(more, int);                                           \
      va_end(more);                                                               \
      if (root_length && access(name, F_OK) && named(AT_FDCWD, name)) change();   \
    }                                                                             \
    return REAL(function)(name, flags, mode);                                     \
  }

OPEN(open)
OPEN(open64)

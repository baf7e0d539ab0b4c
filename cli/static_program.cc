// Linked into the program that needs no shared libraries, instead of what the C library has there.
// The linker warns of these functions, because they load shared libraries of the machine, whose C
// library may be another one; that ends in anything.  Nothing here needs them: c-ares looks up
// names, and OpenSSL brings its algorithms.  Should a machine's openssl.cnf ask for more of them, a
// provider or an engine, then OpenSSL is told that there are none.
#include <netdb.h>

#include <cerrno>
#include <cstddef>

// The linker's --wrap leads calls of NAME here.
#define SMTPTAPE_INSTEAD_OF(NAME) __asm__("__wrap_" #NAME)

struct archive;
constexpr int kArchiveFatal = -30;  // ARCHIVE_FATAL, of a header that has its home elsewhere

extern "C" {

void* no_dlopen(const char* file, int mode) SMTPTAPE_INSTEAD_OF(dlopen);
int no_getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found)
    SMTPTAPE_INSTEAD_OF(getaddrinfo);
int no_getnameinfo(const sockaddr* address,
                   socklen_t size,
                   char* host,
                   socklen_t host_size,
                   char* service,
                   socklen_t service_size,
                   int flags) SMTPTAPE_INSTEAD_OF(getnameinfo);
hostent* no_gethostbyname(const char* name) SMTPTAPE_INSTEAD_OF(gethostbyname);
servent* no_getservbyname(const char* name, const char* protocol)
    SMTPTAPE_INSTEAD_OF(getservbyname);
int no_getservbyname_r(const char* name,
                       const char* protocol,
                       servent* room,
                       char* buffer,
                       std::size_t size,
                       servent** found) SMTPTAPE_INSTEAD_OF(getservbyname_r);
int no_getservbyport_r(
    int port, const char* protocol, servent* room, char* buffer, std::size_t size, servent** found)
    SMTPTAPE_INSTEAD_OF(getservbyport_r);

void* no_dlopen(const char* /*file*/, int /*mode*/) {
  return nullptr;
}

int no_getaddrinfo(const char* /*name*/,
                   const char* /*service*/,
                   const addrinfo* /*hints*/,
                   addrinfo** /*found*/) {
  return EAI_FAIL;
}

int no_getnameinfo(const sockaddr* /*address*/,
                   socklen_t /*size*/,
                   char* /*host*/,
                   socklen_t /*host_size*/,
                   char* /*service*/,
                   socklen_t /*service_size*/,
                   int /*flags*/) {
  return EAI_FAIL;
}

hostent* no_gethostbyname(const char* /*name*/) {
  h_errno = NO_RECOVERY;
  return nullptr;
}

servent* no_getservbyname(const char* /*name*/, const char* /*protocol*/) {
  return nullptr;
}

int no_getservbyname_r(const char* /*name*/,
                       const char* /*protocol*/,
                       servent* /*room*/,
                       char* /*buffer*/,
                       std::size_t /*size*/,
                       servent** found) {
  *found = nullptr;
  return ENOENT;
}

int no_getservbyport_r(int /*port*/,
                       const char* /*protocol*/,
                       servent* /*room*/,
                       char* /*buffer*/,
                       std::size_t /*size*/,
                       servent** found) {
  *found = nullptr;
  return ENOENT;
}

// libarchive names all of its formats in one place; this one would bring an XML library.
int no_xar(archive* written) SMTPTAPE_INSTEAD_OF(archive_write_set_format_xar);
int no_xar(archive* /*written*/) {
  return kArchiveFatal;
}

}  // extern "C"

# BLAKE3's C and assembly sources come with Debian's librust-blake3-dev; nothing is vendored.
file(GLOB blake3_candidates /usr/share/cargo/registry/blake3-*/c/blake3.c)
if(NOT blake3_candidates)
  message(FATAL_ERROR "BLAKE3's C sources are missing: apt-get install librust-blake3-dev")
endif()
list(GET blake3_candidates 0 blake3_file)
get_filename_component(blake3_dir ${blake3_file} DIRECTORY)
add_library(blake3 STATIC ${blake3_dir}/blake3.c ${blake3_dir}/blake3_dispatch.c
                          ${blake3_dir}/blake3_portable.c)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  target_sources(blake3 PRIVATE
    ${blake3_dir}/blake3_sse2_x86-64_unix.S ${blake3_dir}/blake3_sse41_x86-64_unix.S
    ${blake3_dir}/blake3_avx2_x86-64_unix.S ${blake3_dir}/blake3_avx512_x86-64_unix.S)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  target_sources(blake3 PRIVATE ${blake3_dir}/blake3_neon.c)
endif()
target_include_directories(blake3 SYSTEM PUBLIC ${blake3_dir})
set_target_properties(blake3 PROPERTIES C_STANDARD 11)

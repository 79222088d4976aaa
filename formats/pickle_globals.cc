#include "formats/pickle_globals.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace hallmark {
namespace {

using Words = std::unordered_set<std::string_view>;

// Splits static text at white space.
template <typename Each>
void ForEachWord(std::string_view words, Each each) {
  while (!words.empty()) {
    const std::size_t begin = words.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return;
    const std::size_t end = std::min(words.find_first_of(" \n", begin), words.size());
    each(words.substr(begin, end - begin));
    words.remove_prefix(end);
  }
}

Words MakeWords(std::string_view text) {
  Words words;
  ForEachWord(text, [&](std::string_view word) { words.insert(word); });
  return words;
}

struct ModuleNames {
  std::string_view module;
  std::string_view names;
};

// Everything whose call only makes a value: what torch's own weights-only loader admits, the rest
// of what state dicts of trainers hold, and plain classes of the standard library.
constexpr std::array kAllowed = {
    ModuleNames{"collections",
                "OrderedDict Counter defaultdict deque UserDict UserList UserString"},
    ModuleNames{"_codecs", "encode"},
    ModuleNames{"builtins",
                "set frozenset bytearray bytes complex slice range int float bool str list dict "
                "tuple object Ellipsis NotImplemented Exception ValueError TypeError KeyError "
                "RuntimeError IndexError AttributeError OSError StopIteration "
                "len abs min max sum sorted repr chr ord hash divmod round print"},
    ModuleNames{"copyreg", "_reconstructor __newobj__ __newobj_ex__"},
    ModuleNames{"argparse", "Namespace"},
    ModuleNames{"types", "SimpleNamespace"},
    ModuleNames{"datetime", "datetime date time timedelta timezone"},
    ModuleNames{"decimal", "Decimal"},
    ModuleNames{"fractions", "Fraction"},
    ModuleNames{"uuid", "UUID"},
    ModuleNames{"re", "_compile RegexFlag"},
    ModuleNames{"random", "Random"},
    ModuleNames{"array", "_array_reconstructor array"},
    ModuleNames{"pathlib", "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath"},
    ModuleNames{"pathlib._local",
                "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath"},
    ModuleNames{"logging", "getLogger"},
    ModuleNames{"string", "Template"},
    ModuleNames{"time", "struct_time"},
    ModuleNames{"ipaddress", "IPv4Address IPv6Address IPv4Network IPv6Network"},
    ModuleNames{"math", "sqrt floor ceil log exp gcd prod inf nan pi"},
    ModuleNames{"torch",
                "Size device Tensor strided sparse_coo sparse_csr sparse_csc sparse_bsr sparse_bsc "
                "contiguous_format channels_last channels_last_3d preserve_format "
                "per_tensor_affine per_tensor_symmetric per_channel_affine per_channel_symmetric "
                "per_channel_affine_float_qparams "
                "float64 double float32 float float16 half bfloat16 int64 long int32 int int16 "
                "short int8 uint8 uint16 uint32 uint64 bool complex32 chalf complex64 cfloat "
                "complex128 cdouble float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz "
                "float8_e8m0fnu float4_e2m1fn_x2 bits1x8 bits2x4 bits4x2 bits8 bits16 quint8 qint8 "
                "qint32 quint4x2 quint2x4 int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 "
                "uint4 uint5 uint6 uint7 "
                "DoubleStorage FloatStorage HalfStorage BFloat16Storage LongStorage IntStorage "
                "ShortStorage CharStorage ByteStorage BoolStorage ComplexDoubleStorage "
                "ComplexFloatStorage QInt8Storage QInt32Storage QUInt8Storage QUInt4x2Storage "
                "QUInt2x4Storage UntypedStorage TypedStorage "
                "DoubleTensor FloatTensor HalfTensor BFloat16Tensor LongTensor IntTensor "
                "ShortTensor CharTensor ByteTensor BoolTensor"},
    ModuleNames{"torch.cuda",
                "DoubleStorage FloatStorage HalfStorage BFloat16Storage LongStorage IntStorage "
                "ShortStorage CharStorage ByteStorage BoolStorage ComplexDoubleStorage "
                "ComplexFloatStorage DoubleTensor FloatTensor HalfTensor BFloat16Tensor LongTensor "
                "IntTensor ShortTensor CharTensor ByteTensor BoolTensor"},
    ModuleNames{"torch.storage", "UntypedStorage _UntypedStorage TypedStorage _TypedStorage"},
    ModuleNames{"torch._utils",
                "_rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter "
                "_rebuild_parameter_with_state _rebuild_qtensor _rebuild_sparse_tensor "
                "_rebuild_sparse_csr_tensor _rebuild_nested_tensor "
                "_rebuild_meta_tensor_no_storage _rebuild_wrapper_subclass _rebuild_xla_tensor "
                "_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor"},
    ModuleNames{"torch._tensor", "_rebuild_from_type _rebuild_from_type_v2 Tensor"},
    ModuleNames{"torch.tensor", "_rebuild_from_type Tensor"},
    ModuleNames{"torch.nn.parameter", "Parameter Buffer UninitializedParameter"},
    ModuleNames{"torch.nn", "Parameter Buffer"},
    ModuleNames{"torch.serialization", "_get_layout"},
    ModuleNames{"torch.torch_version", "TorchVersion"},
    ModuleNames{"torch.distributed.checkpoint.metadata",
                "Metadata TensorStorageMetadata BytesStorageMetadata ChunkStorageMetadata "
                "TensorProperties MetadataIndex StorageMeta _MEM_FORMAT_ENCODING"},
    ModuleNames{"torch.distributed.checkpoint.filesystem", "_StorageInfo"},
    ModuleNames{"torch.distributed._shard.sharded_tensor.metadata",
                "TensorProperties MEM_FORMAT_ENCODING"},
    ModuleNames{"numpy",
                "ndarray dtype bool_ bool float16 float32 float64 int8 int16 int32 int64 uint8 "
                "uint16 uint32 uint64 complex64 complex128 str_ bytes_ void generic"},
    ModuleNames{"numpy.core.multiarray", "_reconstruct scalar"},
    ModuleNames{"numpy._core.multiarray", "_reconstruct scalar"},
    ModuleNames{"numpy.core.numeric", "_frombuffer"},
    ModuleNames{"numpy._core.numeric", "_frombuffer"},
    ModuleNames{"numpy.random._pickle", "__randomstate_ctor __generator_ctor __bit_generator_ctor"},
    ModuleNames{"numpy.random._mt19937", "MT19937"},
    ModuleNames{"numpy.random._pcg64", "PCG64 PCG64DXSM"},
    ModuleNames{"numpy.dtypes",
                "Float16DType Float32DType Float64DType Int8DType Int16DType Int32DType Int64DType "
                "UInt8DType UInt16DType UInt32DType UInt64DType BoolDType"},
};

// Python's standard library, 3.0 to 3.14 and 2.7, as sys.stdlib_module_names lists it and as the
// documentation of older releases does. What is not allowed above has effects or may have.
constexpr std::string_view kStandardLibrary = R"(
__future__ __builtin__ __main__ _abc _aix_support _android_support _apple_support _ast _ast_unparse
_asyncio _bisect _blake2 _bootsubprocess _bz2 _codecs _codecs_cn _codecs_hk _codecs_iso2022
_codecs_jp _codecs_kr _codecs_tw _collections _collections_abc _colorize _compat_pickle _compression
_contextvars _crypt _csv _ctypes _curses _curses_panel _datetime _dbm _decimal _elementtree
_frozen_importlib _frozen_importlib_external _functools _gdbm _hashlib _heapq _hmac _imp _interpchannels
_interpqueues _interpreters _io _ios_support _json _locale _lsprof _lzma _markupbase _md5 _msi
_multibytecodec _multiprocessing _opcode _opcode_metadata _operator _osx_support _overlapped _pickle
_posixshmem _posixsubprocess _py_abc _py_warnings _pydatetime _pydecimal _pyio _pylong _pyrepl _queue
_random _remote_debugging _scproxy _sha1 _sha2 _sha256 _sha3 _sha512 _signal _sitebuiltins _socket
_sqlite3 _sre _ssl _stat _statistics _string _strptime _struct _suggestions _symtable _sysconfig
_testcapi _thread _threading_local _tkinter _tokenize _tracemalloc _types _typing _uuid _warnings
_weakref _weakrefset _winapi _wmi _zoneinfo _zstd abc aifc annotationlib anydbm argparse array ast
antigravity asynchat asyncio asyncore atexit audioop base64 bdb binascii binhex bisect bsddb builtins
bz2 cPickle cProfile cStringIO calendar cgi cgitb chunk cmath cmd code codecs codeop collections
colorsys commands compileall compiler compression concurrent configparser contextlib contextvars copy
copy_reg copyreg crypt csv ctypes curses dataclasses datetime dbhash dbm decimal difflib dircache dis
distutils dl doctest dumbdbm dummy_thread dummy_threading email encodings ensurepip enum errno
exceptions faulthandler fcntl filecmp fileinput fnmatch formatter fpformat fractions ftplib functools
future_builtins gc gdbm genericpath getopt getpass gettext glob graphlib grp gzip hashlib heapq hmac
hotshot html htmlentitydefs htmllib http httplib idlelib ihooks imaplib imghdr imp importlib imputil
inspect io ipaddress itertools json keyword lib2to3 linecache locale logging lzma macpath macurl2path
mailbox mailcap markupbase marshal math md5 mhlib mimetools mimetypes mimify mmap modulefinder msilib
msvcrt multifile multiprocessing mutex netrc new nis nntplib nt ntpath nturl2path numbers opcode
operator optparse os os2 os2emxpath ossaudiodev parser pathlib pdb pickle pickletools pipes pkgutil
platform plistlib popen2 poplib posix posixfile posixpath pprint profile pstats pty pwd py_compile
pyclbr pydoc pydoc_data pyexpat queue quopri random re readline repr reprlib resource rexec
rfc822 rlcompleter robotparser runpy sched secrets select selectors sets sgmllib sha shelve shlex
shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre sre_compile sre_constants
sre_parse ssl stat statistics statvfs string stringold stringprep strop struct subprocess sunau
symbol symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios test textwrap this
thread threading time timeit tkinter token tokenize toaiff tomllib trace traceback tracemalloc tty
turtle turtledemo types typing unicodedata unittest urllib urllib2 urlparse user uu uuid venv warnings
wave weakref webbrowser whichdb winreg winsound wsgiref xdrlib xml xmllib xmlrpc xmlrpclib xxlimited
xxsubtype zipapp zipfile zipimport zlib zoneinfo BaseHTTPServer Bastion CGIHTTPServer ConfigParser
Cookie DocXMLRPCServer HTMLParser MimeWriter Queue SimpleHTTPServer SimpleXMLRPCServer SocketServer
StringIO Tkinter UserDict UserList UserString Tix ttk tkFileDialog tkMessageBox _winreg _abcoll
)";

// Packages whose ordinary business is to load code, to run it, or to reach files and networks.
constexpr std::string_view kEffectfulPackages = R"(
pip setuptools pkg_resources wheel _distutils_hack distlib virtualenv conda ensurepip easy_install
IPython ipykernel ipython_genutils jupyter jupyter_client notebook nbconvert
dill cloudpickle joblib jsonpickle pickle5 zodbpickle hickle klepto yaml ruamel
numba numexpr cffi cython Cython pyximport cppyy pythran theano aesara sympy
pytest _pytest py nose hypothesis coverage tox
six future past pandas fsspec s3fs gcsfs
requests httpx urllib3 aiohttp pycurl paramiko fabric invoke plumbum sh pexpect ptyprocess psutil
asyncssh ansible boto boto3 botocore docker kubernetes celery rq dask distributed ray
gevent eventlet twisted tornado flask werkzeug django jinja2 mako bottle cherrypy
tensorflow keras tf_keras onnx onnxruntime mlflow execnet rpyc Pyro4 zerorpc
win32api win32com win32process pywintypes pythoncom win32 ctypesgen comtypes
lldb gdb bpython ptpython xonsh pudb ipdb debugpy pydevd pydev_ipython
)";

// Modules of torch whose functions compile, load, import or start something.
constexpr std::string_view kEffectfulTorch = R"(
torch.hub torch.jit torch.package torch.utils torch.distributed torch.multiprocessing torch.ops
torch.classes torch._dynamo torch._inductor torch._functorch torch.compiler torch.fx torch.export
torch._export torch.onnx torch.testing torch.serialization torch.storage torch._ops torch._classes
torch._C torch._library torch.library torch._appdirs torch._sources torch._utils_internal torch._lazy
torch.profiler torch.autograd torch.backends torch.ao torch.quantization torch.monitor torch.futures
torch._prims torch._decomp torch._refs torch._subclasses torch._higher_order_ops torch._logging
torch._deploy torch._jit_internal torch._linalg_utils torch.overrides torch.random torch.cuda
torch._weights_only_unpickler torch._utils torch.__config__ torch.mps torch.xpu torch.numa
torch._guards torch._vendor torch._strobelight torch._thread_safe_fork
)";

constexpr std::string_view kEffectfulTorchNames = R"(
load save compile from_file import_ir_module import_ir_module_from_buffer load_library load_inline
hub jit package ops classes utils distributed multiprocessing serialization storage fx
set_default_tensor_type set_default_device set_default_dtype use_deterministic_algorithms fork wait
)";

// Parts of the packages above and of torch that hold classes of plain values.
constexpr std::string_view kHarmlessParts = R"(
pandas.core.frame pandas.core.series pandas.core.indexes pandas.core.internals
pandas._libs.internals pandas.core.arrays torch.distributed.tensor torch.distributed._tensor
torch.distributed.device_mesh torch.distributed._shard torch.distributed.checkpoint.metadata
torch.ao.nn torch._C._nn torch.utils.data.dataset torch.utils.data.dataloader torch.utils.data.sampler
)";

// Modules of numpy with such functions, and functions of its other modules.
constexpr std::string_view kEffectfulNumpy = R"(
numpy.testing numpy.f2py numpy.distutils numpy.ctypeslib numpy.lib numpy.compat numpy.core.memmap
numpy._core.memmap numpy.core.records numpy._core.records numpy.rec numpy.ma numpy.matlib
numpy.matrixlib numpy._pytesttester numpy._build_utils numpy.setup numpy.tests numpy._distributor_init
numpy.conftest numpy._pyinstaller numpy._utils numpy.char numpy.core.function_base
)";
constexpr std::string_view kEffectfulNumpyNames = R"(
load save savez savez_compressed savetxt loadtxt genfromtxt fromfile fromregex memmap DataSource
tofile vectorize frompyfunc fromfunction apply_along_axis apply_over_axes piecewise test source
lookfor info show_config bmat matrix mat
)";

// Names that mean one thing wherever they were imported to.
constexpr std::string_view kEffectfulNames = R"(
eval exec execfile compile_source __import__ import_module getattr setattr delattr __getattribute__
__getattr__ __setattr__ __subclasses__ __globals__ __builtins__ __reduce__ __reduce_ex__ __class__
__dict__ __code__ __bases__ __mro__ __init__ __call__ __loader__ __spec__
system popen popen2 popen3 popen4 Popen check_call check_output getoutput getstatusoutput spawnl
spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe spawnv_passfds execl execle execlp execlpe
execv execve execvp execvpe posix_spawn posix_spawnp startfile fork_exec
run_module run_path _run_code run_code runctx runsource runcode load_module load_source load_dynamic
load_compiled exec_module find_class attrgetter methodcaller itemgetter FunctionType CodeType
LambdaType MethodType CDLL WinDLL OleDLL PyDLL LoadLibrary urlopen urlretrieve rmtree unlink
resolve_name execWrapper _load_from_bytes unsafe_load full_load breakpoint globals locals vars
)";

// A module path through one of these reaches the module itself under another name.
constexpr std::string_view kAliasedModules = R"(
os posix nt subprocess builtins __builtin__ sys importlib pickle cPickle _pickle marshal ctypes
socket shutil pty runpy commands
)";

// `module` itself or a module above it is listed.
bool UnderListed(const Words& words, std::string_view module) {
  for (std::size_t end = module.find('.');; end = module.find('.', end + 1)) {
    if (words.contains(module.substr(0, end))) return true;
    if (end == std::string_view::npos) return false;
  }
}

bool HasPart(const Words& words, std::string_view module) {
  for (std::size_t at = 0; at <= module.size();) {
    const std::size_t end = std::min(module.find('.', at), module.size());
    if (words.contains(module.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

struct Tables {
  std::unordered_map<std::string_view, Words> allowed;
  Words standard = MakeWords(kStandardLibrary);
  Words packages = MakeWords(kEffectfulPackages);
  Words torch_modules = MakeWords(kEffectfulTorch);
  Words torch_names = MakeWords(kEffectfulTorchNames);
  Words harmless = MakeWords(kHarmlessParts);
  Words numpy_modules = MakeWords(kEffectfulNumpy);
  Words numpy_names = MakeWords(kEffectfulNumpyNames);
  Words names = MakeWords(kEffectfulNames);
  Words aliased = MakeWords(kAliasedModules);

  Tables() {
    for (const ModuleNames& row : kAllowed) allowed.emplace(row.module, MakeWords(row.names));
  }
};

const Tables& GetTables() {
  static const auto* const tables = new Tables;
  return *tables;
}

}  // namespace

GlobalKind ClassifyGlobal(std::string_view module, std::string_view name) {
  const Tables& tables = GetTables();
  if (const auto found = tables.allowed.find(module);
      found != tables.allowed.end() && found->second.contains(name)) {
    return GlobalKind::kAllowed;
  }
  // An attribute path can walk through any module into another; so can the name of a module.
  if (module.empty() || name.empty() || name.find('.') != std::string_view::npos ||
      tables.names.contains(name) || tables.aliased.contains(name)) {
    return GlobalKind::kDangerous;
  }
  const std::string_view top = module.substr(0, module.find('.'));
  // A script that saved its own classes has them under this name.
  if (module == "__main__") {
    return name == "open" || name == "compile" ? GlobalKind::kDangerous : GlobalKind::kUnknown;
  }
  if (UnderListed(tables.harmless, module)) return GlobalKind::kUnknown;
  if (tables.standard.contains(top) || tables.packages.contains(top) ||
      HasPart(tables.aliased, module)) {
    return GlobalKind::kDangerous;
  }
  if (top == "torch") {
    const bool acts =
        UnderListed(tables.torch_modules, module) || tables.torch_names.contains(name);
    return acts ? GlobalKind::kDangerous : GlobalKind::kUnknown;
  }
  if (top == "numpy") {
    const bool acts =
        UnderListed(tables.numpy_modules, module) || tables.numpy_names.contains(name);
    return acts ? GlobalKind::kDangerous : GlobalKind::kUnknown;
  }
  return GlobalKind::kUnknown;
}

GlobalName MapPython2Name(std::string_view module, std::string_view name) {
  struct NameRow {
    std::string_view module, name;
    GlobalName to;
  };
  static constexpr NameRow kNames[] = {
      {"__builtin__", "xrange", {"builtins", "range"}},
      {"__builtin__", "reduce", {"functools", "reduce"}},
      {"__builtin__", "intern", {"sys", "intern"}},
      {"__builtin__", "unichr", {"builtins", "chr"}},
      {"__builtin__", "unicode", {"builtins", "str"}},
      {"__builtin__", "basestring", {"builtins", "str"}},
      {"__builtin__", "long", {"builtins", "int"}},
      {"itertools", "izip", {"builtins", "zip"}},
      {"itertools", "imap", {"builtins", "map"}},
      {"itertools", "ifilter", {"builtins", "filter"}},
      {"itertools", "ifilterfalse", {"itertools", "filterfalse"}},
      {"itertools", "izip_longest", {"itertools", "zip_longest"}},
      {"UserDict", "IterableUserDict", {"collections", "UserDict"}},
      {"whichdb", "whichdb", {"dbm", "whichdb"}},
      {"exceptions", "StandardError", {"builtins", "Exception"}},
      {"multiprocessing.process", "Process", {"multiprocessing.context", "Process"}},
      {"multiprocessing.forking", "Popen", {"multiprocessing.popen_fork", "Popen"}},
      {"socket", "_socketobject", {"socket", "SocketType"}},
  };
  struct ModuleRow {
    std::string_view from, to;
  };
  static constexpr ModuleRow kModules[] = {
      {"__builtin__", "builtins"},
      {"copy_reg", "copyreg"},
      {"exceptions", "builtins"},
      {"cPickle", "pickle"},
      {"commands", "subprocess"},
      {"Queue", "queue"},
      {"SocketServer", "socketserver"},
      {"ConfigParser", "configparser"},
      {"repr", "reprlib"},
      {"Tkinter", "tkinter"},
      {"Tix", "tkinter.tix"},
      {"ttk", "tkinter.ttk"},
      {"markupbase", "_markupbase"},
      {"_winreg", "winreg"},
      {"thread", "_thread"},
      {"dummy_thread", "_dummy_thread"},
      {"dbhash", "dbm.bsd"},
      {"dumbdbm", "dbm.dumb"},
      {"gdbm", "dbm.gnu"},
      {"anydbm", "dbm"},
      {"whichdb", "dbm"},
      {"xmlrpclib", "xmlrpc.client"},
      {"SimpleXMLRPCServer", "xmlrpc.server"},
      {"DocXMLRPCServer", "xmlrpc.server"},
      {"httplib", "http.client"},
      {"htmlentitydefs", "html.entities"},
      {"HTMLParser", "html.parser"},
      {"Cookie", "http.cookies"},
      {"cookielib", "http.cookiejar"},
      {"BaseHTTPServer", "http.server"},
      {"SimpleHTTPServer", "http.server"},
      {"CGIHTTPServer", "http.server"},
      {"test.test_support", "test.support"},
      {"urlparse", "urllib.parse"},
      {"robotparser", "urllib.robotparser"},
      {"urllib2", "urllib.request"},
      {"_abcoll", "collections.abc"},
      {"_elementtree", "xml.etree.ElementTree"},
      {"UserDict", "collections"},
      {"UserList", "collections"},
      {"UserString", "collections"},
      {"StringIO", "io"},
      {"cStringIO", "io"},
  };
  for (const NameRow& row : kNames) {
    if (row.module == module && row.name == name) return row.to;
  }
  for (const ModuleRow& row : kModules) {
    if (row.from == module) return {row.to, name};
  }
  return {module, name};
}

bool IsEnumMember(std::string_view module, std::string_view type, std::string_view name) {
  const bool is_memory_format =
      (module == "torch.distributed.checkpoint.metadata" && type == "_MEM_FORMAT_ENCODING") ||
      (module == "torch.distributed._shard.sharded_tensor.metadata" &&
       type == "MEM_FORMAT_ENCODING");
  return is_memory_format && (name == "TORCH_CONTIGUOUS_FORMAT" || name == "TORCH_CHANNELS_LAST" ||
                              name == "TORCH_PRESERVE_FORMAT");
}

bool IsDictType(std::string_view module, std::string_view name) {
  if (module == "collections") {
    return name == "OrderedDict" || name == "defaultdict" || name == "Counter";
  }
  return module == "builtins" && name == "dict";
}

}  // namespace hallmark

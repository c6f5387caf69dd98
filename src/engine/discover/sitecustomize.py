"""Tells atsaf what this program uses of the project, then lets the environment's own `sitecustomize` run.

Python imports a module of this name as it starts, in child processes too. What is noted is one record for each file of
the project, at the first time that it is opened: fields with a tab between, and a zero byte at the end.

    r size mtime ctime inode device path    opened to be read; what stood there
    a path                                  opened to be read, and not there
    w path                                  opened to be written
    l path name name ..                     a directory that was listed
    m directory name                        a package that was imported from a directory outside of the project
    i name                                  a module that a file of the project imports
    p directory ..                          the directories of the project in which modules are looked for
    v version path                          the interpreter

Whatever goes wrong here is silent: the program is another's. It runs under any version of Python.
"""

import os
import sys


def observe(notes, root):
    """Notes in the file `notes` what is used of the project in `root`, a path without links."""
    inside = root + "/"
    own = inside + ".atsaf"
    stdlib = os.path.dirname(os.__file__) + "/"
    # A virtual environment in the project is no part of it.
    environment = sys.prefix + "/"
    if environment == inside or not environment.startswith(inside):
        environment = None
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    never_files = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
    known, written, places, links, names = set(), set(), set(), {}, set()
    # The modules of which an event told, and that are sought next.
    told = set()
    # What `sys.path` was, the directories of packages in it, and those of the project.
    search = [None, [], None]
    stat, getcwd, normal, getframe = os.stat, os.getcwd, os.path.normpath, sys._getframe
    os_open, os_write, os_close, listdir, encode = os.open, os.write, os.close, os.listdir, os.fsencode

    def note(*fields):
        # Opened each time: a program may close any file that it did not open itself. A record is written whole.
        record = b"\t".join([encode(field) for field in fields]) + b"\0"
        file = os_open(notes, flags, 0o600)
        try:
            os_write(file, record)
        finally:
            os_close(file)

    def absolute(path):
        if type(path) is bytes:
            path = os.fsdecode(path)
        elif type(path) is not str:
            path = os.fsdecode(os.fspath(path))
        if path[:1] != "/":
            path = getcwd() + "/" + path
        if "/." in path or "//" in path:
            path = normal(path)
        return path

    def opened(path, mode, how):
        if path is notes or type(path) is int:
            return
        path = absolute(path)
        if not path.startswith(inside) or (environment and path.startswith(environment)):
            path = foreign(path)
            if path is None:
                return
        if how & 3:
            if path not in written and "/__pycache__/" not in path and not path.startswith(own):
                written.add(path)
                note("w", path)
            return
        if path in known or path.startswith(own) or how & never_files:
            return
        known.add(path)
        compiled = None
        if path.endswith(".pyc"):
            head, _, tail = path.rpartition("/__pycache__/")
            if head:
                compiled, path = path, head + "/" + tail.partition(".")[0] + ".py"
                if path in known:
                    return
                known.add(path)
        try:
            found = stat(path)
        except OSError:
            return note("a", path)
        if compiled is not None:
            forget_former(compiled, found)
        if found.st_mode & 0o170000 == 0o100000:
            numbers = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
            note("r", *[str(number) for number in numbers] + [path])

    def forget_former(compiled, source):
        """Removes what Python keeps of a module's former text: it compares no more than the size and the second, and the time of
        modification may have been set back."""
        try:
            if stat(compiled).st_mtime_ns <= max(source.st_mtime_ns, source.st_ctime_ns):
                os.unlink(compiled)
        except OSError:
            pass

    def foreign(path):
        """Notes the package of a file outside of the project; gives the path in the project to which a link leads."""
        directory, _, name = path.rpartition("/")
        if directory in links:
            return links[directory] + "/" + name
        if directory in places or path in places:
            return None
        look_at_search()
        for site in search[1]:
            if path.startswith(site):
                below = path[len(site):]
                if below.startswith("__pycache__/"):
                    below = below[12:]
                # In the directory itself lie several packages.
                places.add(directory if "/" in below else path)
                top = below.partition("/")[0].partition(".")[0]
                if ("m", site, top) not in known:
                    known.add(("m", site, top))
                    note("m", site, top)
                return None
        places.add(directory)
        if path.startswith(stdlib):
            return None
        real = os.path.realpath(directory)
        if real != root and not real.startswith(inside):
            return None
        links[directory] = real
        return real + "/" + name

    def look_at_search():
        """Notes where modules are looked for, if that is other than before."""
        if sys.path == search[0]:
            return
        search[0] = list(sys.path)
        sites, own_places = [], []
        for place in search[0]:
            if type(place) is not str:
                continue
            place = absolute(place).rstrip("/") + "/"
            if place.startswith(inside) and not (environment and place.startswith(environment)):
                own_places.append(place)
            elif place != stdlib and place != stdlib + "lib-dynload/":
                sites.append(place)
        search[1] = sites
        if own_places != search[2]:
            search[2] = own_places
            note("p", *own_places)

    def imported(module, path, *rest):
        if path is not None:
            # A module of native code.
            opened(path, "r", 0)
        else:
            told.add(module)
        sought(module, getframe(2))

    def sought(module, frame):
        """Notes a module that a file of the project imports, whatever of Python's own does it for it."""
        module = module.partition(".")[0]
        if module in names:
            return
        by = frame.f_code.co_filename
        while by.startswith("<frozen importlib") or "/importlib/" in by:
            frame = frame.f_back
            if frame is None:
                return
            by = frame.f_code.co_filename
        if by.startswith(inside) and not by.startswith(own) or by[:1] not in ("/", "<"):
            names.add(module)
            look_at_search()
            note("i", module)

    class Unfound(object):
        """Stands behind all that finds modules, and so is asked for those that are not there."""

        @staticmethod
        def find_spec(name, path=None, target=None):
            try:
                missed(name, path)
            except Exception:
                pass

    def missed(name, path):
        if path is None:
            if name not in names:
                names.add(name)
                look_at_search()
                note("i", name)
            return
        for place in path:
            base = absolute(place) + "/" + name.rpartition(".")[2]
            if base.startswith(inside) and not (environment and base.startswith(environment)):
                opened(base + ".py", "r", 0)
                opened(base + "/__init__.py", "r", 0)

    def used(value):
        """Notes the files that are meant by what a function of native code is given."""
        if type(value) in (list, tuple, set):
            return [used(one) for one in value]
        if hasattr(value, "__fspath__"):
            value = os.fsdecode(value)
        if type(value) is not str or not value or "\0" in value:
            return
        if "'" in value or '"' in value:
            # A query, with names of files in quotes.
            for part in value.replace('"', "'").split("'")[1::2]:
                used(part)
        elif "*" in value or "?" in value or "[" in value:
            import glob
            for path in glob.glob(value, recursive=True):
                if os.path.isfile(path):
                    opened(path, "r", 0)
        elif os.path.isfile(value):
            opened(value, "r", 0)
        elif os.path.isdir(value) and absolute(value).startswith(inside):
            for above, _, below in os.walk(value):
                for name in below:
                    opened(os.path.join(above, name), "r", 0)

    def telling(function):
        def call(*arguments, **named):
            try:
                used(arguments)
                used(list(named.values()))
            except Exception:
                pass
            return function(*arguments, **named)

        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            setattr(call, name, getattr(function, name, None))
        call.__wrapped__ = function
        call._atsaf = True
        return call

    def let_tell(module, wanted):
        """Lets functions of a module tell what they are given: by name, by `Class.name`, or by how a name begins."""
        for name in wanted.split():
            place, _, name = name.rpartition(".")
            place = getattr(module, place, None) if place else module
            found = [name]
            if name.endswith("*"):
                found = [it for it in dir(place) if it.startswith(name[:-1])]
            for name in found:
                function = getattr(place, name, None)
                if callable(function) and not isinstance(function, type) and not hasattr(function, "_atsaf"):
                    setattr(place, name, telling(function))

    tables = "read_* from_* scan_*"
    queries = " sql query execute from_query"
    parquet = "read_table read_metadata read_schema read_pandas ParquetFile.__init__ ParquetDataset.__init__"
    natives = {
        "cv2": "imread",
        "duckdb": tables + queries + " connect" + "".join(
            [" DuckDBPyConnection." + name for name in (tables + queries).split()]
        ),
        "geopandas": "read_*",
        "h5py": "File.__init__",
        "polars": "read_* scan_*",
        "pyarrow": "memory_map",
        "pyarrow.csv": "read_csv open_csv",
        "pyarrow.dataset": "dataset parquet_dataset",
        "pyarrow.feather": "read_table read_feather",
        "pyarrow.json": "read_json",
        "pyarrow.orc": "read_table",
        "pyarrow.parquet": parquet,
        "pyarrow.parquet.core": parquet,
        "rasterio": "open",
        "xarray": "open_*",
    }

    class Native(object):
        """Stands before all that finds modules: sees what is sought, and those whose files native code opens."""

        @staticmethod
        def find_spec(name, path=None, target=None):
            try:
                # What `importlib.import_module` imports no event tells.
                if name in told:
                    told.discard(name)
                else:
                    sought(name, getframe(1))
            except Exception:
                pass
            wanted = natives.pop(name, None)
            if wanted is None:
                return None
            for finder in sys.meta_path:
                find = None if finder is Native else getattr(finder, "find_spec", None)
                spec = find and find(name, path, target)
                if spec is not None:
                    try:
                        after(spec.loader, wanted)
                    except Exception:
                        pass
                    return spec

    def after(loader, wanted):
        def exec_module(module):
            del loader.exec_module
            loader.exec_module(module)
            try:
                let_tell(module, wanted)
            except Exception:
                pass

        loader.exec_module = exec_module

    def listed(path, *rest):
        if path is listing[0] or type(path) is int:
            return
        by = getframe(2).f_code.co_filename
        if by.startswith("<frozen importlib") or "/importlib/" in by or "/pkg_resources/" in by:
            # Where modules are looked for; that is no question of the program's own.
            return
        path = absolute(getcwd() if path is None else path)
        if path != root and not path.startswith(inside) or path.startswith(own) or ("l", path) in known:
            return
        if environment and (path + "/").startswith(environment):
            return
        known.add(("l", path))
        # Another object than the one with which it is called next, and this one is known again.
        listing[0] = path + "/"
        try:
            note("l", path, *sorted(listdir(listing[0])))
        except OSError:
            note("a", path)

    listing = [None]

    def connected(database, *rest):
        if type(database) is str and database.startswith("file:"):
            database, _, query = database[5:].partition("?")
            if "mode=ro" in query or "immutable=1" in query:
                return opened(database, "r", 0)
        if database != ":memory:":
            opened(database, "r+", os.O_RDWR)

    def loaded(library, *rest):
        if type(library) is str and "/" in library:
            opened(library, "r", 0)

    def started(program, words, directory, *rest):
        program = os.fsdecode(program or words[0])
        if "/" in program:
            opened(os.path.join(directory or getcwd(), program), "r", 0)

    def placed(source, target, *directories):
        """A file has another name, or one more: what stood there before is gone."""
        if all(directory == -1 for directory in directories):
            opened(target, "w", os.O_WRONLY)

    def linked(source, target, *directories):
        placed(source, target, *directories)
        if all(directory == -1 for directory in directories):
            opened(source, "r", 0)

    def removed(path, *directories):
        """It comes or goes by the program's own doing."""
        placed(None, path, *directories)

    handlers = {
        "open": opened,
        "import": imported,
        "os.listdir": listed,
        "os.scandir": listed,
        "os.rename": placed,
        "os.symlink": lambda target, path, *rest: placed(target, path, *rest),
        "os.link": linked,
        "os.remove": removed,
        "os.rmdir": removed,
        "os.mkdir": lambda path, mode, *rest: removed(path, *rest),
        "os.truncate": lambda path, *rest: opened(path, "w", os.O_WRONLY),
        "sqlite3.connect": connected,
        "ctypes.dlopen": loaded,
        "subprocess.Popen": started,
        "os.exec": lambda program, words, env: started(program, words, None),
        "os.posix_spawn": lambda program, words, env: started(program, words, None),
        "cpython.run_file": lambda path: opened(path, "r", 0),
    }
    handler_of = handlers.get

    def hook(event, arguments):
        handler = handler_of(event)
        if handler is not None:
            try:
                handler(*arguments)
            except Exception:
                pass

    version = ".".join([str(part) for part in sys.version_info[:3]])
    note("v", sys.implementation.name + " " + version, sys.executable or "")
    sys.addaudithook(hook)
    sys.meta_path.insert(0, Native)
    sys.meta_path.append(Unfound)


def go_on():
    """Imports the `sitecustomize` that this one stands in front of, if there is one."""
    this = sys.modules.pop(__name__)
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if path != here]
    sys.path_importer_cache.pop(here, None)
    try:
        __import__(__name__)
    except ImportError as error:
        if getattr(error, "name", __name__) != __name__:
            raise
    finally:
        # Whoever imports this one looks for it here.
        sys.modules.setdefault(__name__, this)


def begin():
    notes = os.environ.get("ATSAF_NOTES")
    if notes and hasattr(sys, "addaudithook"):
        root, mark, _ = notes.rpartition("/.atsaf/given/")
        if mark:
            observe(notes, root)


try:
    begin()
except Exception:
    pass
go_on()

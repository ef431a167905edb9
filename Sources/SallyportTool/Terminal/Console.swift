import Basics
import Glibc

/// Text output on stdout and stderr.
enum Console {
  /// Exits silently if stdout is closed, such as by `head`.
  static func print(_ text: TerminalText) {
    signal(SIGPIPE, SIG_IGN)
    let error = FileDescriptor.writeAll(Array((text.text + "\n").utf8), to: STDOUT_FILENO)
    if error != 0 {
      if error != EPIPE { self.error("sallyport: \(String(cString: strerror(error)))") }
      _exit(4)
    }
  }

  /// - Returns: false if stdout is closed or cannot be written.
  static func tryPrint(_ text: TerminalText) -> Bool {
    signal(SIGPIPE, SIG_IGN)
    return FileDescriptor.writeAll(Array((text.text + "\n").utf8), to: STDOUT_FILENO) == 0
  }

  static func print(json: String) {
    print(TerminalText(json: json, isShown: Style.isTerminal))
  }

  static func error(_ text: TerminalText) {
    FileDescriptor.writeAll(Array((text.text + "\n").utf8), to: STDERR_FILENO)
  }
}

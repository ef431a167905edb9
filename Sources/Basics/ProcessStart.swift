import CProcess
import Glibc

/// What the process does before it starts a thread.
package enum ProcessStart {
  /// The arguments as the kernel passed them, the program's name first. Does not need /proc.
  package static var arguments: [String] {
    (0..<sallyport_argument_count()).compactMap { position in
      sallyport_argument(position).map { String(cString: $0) }
    }
  }

  /// Raises the soft limit of descriptors to the hard one, and keeps secrets out of core dumps and
  /// TLS key logs.
  package static func protect(allowingCoreDumps: Bool) {
    sallyport_set_limits(allowingCoreDumps ? 1 : 0)
    // TLS libraries write the keys of all connections to this file.
    unsetenv("SSLKEYLOGFILE")
  }
}

/// The limit of open descriptors.
package enum DescriptorLimit {
  /// The soft limit when the process started. Children get it: some close every descriptor up to
  /// their limit.
  package static var original: Int { Int(clamping: sallyport_original_descriptor_limit()) }

  /// The soft limit now.
  package static var current: Int { Int(clamping: sallyport_descriptor_limit()) }
}

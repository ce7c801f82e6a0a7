"""Step 8, deploy: what a segment is, in the documents that orchestrators read.

    tosca    plain values -> TOSCA 1.3 as YAML, and names that are safe in it
    vnf      one network function -> ETSI SOL001 VNFD, in a SOL004 package
    service  one domain's part of a slice -> ETSI SOL001 NSD, in a SOL007 archive
    csar     files -> a zip archive with TOSCA.meta and a manifest of SHA-256 sums

The ETSI type definitions (`etsi_nfv_sol001_*_types.yaml`, version 4.4.1) are imported by their
standard file names and are not in the archives: an orchestrator has them, and they are not ours
to hand on. All of it is pure: the same part gives the same bytes.
"""

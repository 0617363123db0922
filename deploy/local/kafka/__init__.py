"""One real Apache Kafka node on this machine, from Maven Central's jars."""
